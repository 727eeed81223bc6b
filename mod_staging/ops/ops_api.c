/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/ops_api.h"

#include "base/log.h"
#include "base/metrics.h"
#include "db/schema.h"
#include "web/reply.h"

#include <apr_strings.h>
#include <http_protocol.h>

#include <string.h>

stg_error_t *stg_health_get(stg_request_t *req)
{
    json_t *body = stg_json_object(req->pool);

    stg_json_put_text(body, "status", "alive");
    return stg_reply_json(req, HTTP_OK, body);
}

/* "ok", or what a client may know of err; the rest is for the log. */
static void report(json_t *body, const char *name, const stg_error_t *err,
                   int *is_ready, apr_pool_t *p)
{
    stg_json_put_text(body, name, err ? err->message : "ok");
    if (!err)
        return;
    *is_ready = 0;
    stg_log(STG_LOG_WARNING, "not ready: %s: %s", name, stg_error_text(err, p));
}

stg_error_t *stg_ready_get(stg_request_t *req)
{
    const stg_stores_t *stores = &req->staging->stores;
    json_t *body = stg_json_object(req->pool);
    int is_ready = 1;

    report(body, "database", stg_schema_check(req->staging->db, req->pool),
           &is_ready, req->pool);
    for (int i = 0; i < stores->count; i++)
        report(body,
               apr_pstrcat(req->pool, "store ", stores->list[i]->name, NULL),
               stores->list[i]->driver->ping(stores->list[i], req->pool),
               &is_ready, req->pool);
    stg_json_put_text(body, "status", is_ready ? "ready" : "not ready");
    if (!is_ready)
        apr_table_setn(req->r->headers_out, "Retry-After", "5");
    return stg_reply_json(req, is_ready ? HTTP_OK : HTTP_SERVICE_UNAVAILABLE,
                          body);
}

static int count_down(const stg_stores_t *stores)
{
    int count = 0;

    for (int i = 0; i < stores->count; i++)
        count += stores->list[i]->driver->is_down(stores->list[i]);
    return count;
}

stg_error_t *stg_metrics_get(stg_request_t *req)
{
    stg_reply_stream_t *stream;
    const char *text;

    stg_metric_set(STG_METRIC_STORES_DOWN, count_down(&req->staging->stores));
    text = stg_metrics_text(req->pool);
    stream = stg_reply_begin(req, HTTP_OK, STG_METRICS_CONTENT_TYPE);
    STG_TRY(stg_reply_write(stream, text, strlen(text)));
    return stg_reply_end(stream);
}
