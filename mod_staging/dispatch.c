/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch.h"

#include "base/metrics.h"
#include "downloads/downloads_routes.h"
#include "ops/ops_routes.h"
#include "resumable/resumable_routes.h"
#include "sessions/sessions_routes.h"
#include "uploads/uploads_routes.h"
#include "web/cors.h"
#include "web/refuse.h"
#include "web/reply.h"
#include "web/route.h"

#include <apr_strings.h>
#include <http_config.h>
#include <http_protocol.h>
#include <http_request.h>

#include <string.h>

static const stg_api_t *const apis[] = {
    &stg_uploads_api,  &stg_resumable_api, &stg_downloads_api,
    &stg_sessions_api, &stg_health_api,    &stg_ready_api,
    &stg_metrics_api,  &stg_operation_api,
};

const stg_api_t *stg_dispatch_find(const char *handler)
{
    for (apr_size_t i = 0; i < sizeof(apis) / sizeof(*apis); i++)
        if (!strcmp(apis[i]->handler, handler))
            return apis[i];
    return NULL;
}

/* Whoever asks is not known yet: a preflight has no credential. */
static stg_error_t *begin(const stg_api_t *api, stg_request_t *req)
{
    if (api->begin)
        STG_TRY(api->begin(req));
    if (!api->cors)
        return STG_OK;
    if (req->r->method_number == M_OPTIONS)
        stg_cors_preflight(req, api->cors);
    else
        stg_cors_apply(req, api->cors);
    return STG_OK;
}

static stg_error_t *run(const stg_api_t *api, stg_request_t *req)
{
    const stg_route_t *route;

    STG_TRY(stg_request_open(req));
    if (!req->path)
        return stg_because(stg_raise(req->pool, STG_E_INTERNAL,
                                     "the service is not set up here"),
                           req->pool,
                           "SetHandler stands outside a plain <Location>");
    STG_TRY(begin(api, req));
    if (req->r->method_number == M_OPTIONS && api->options)
        return api->options(req);
    if (api->cors && stg_cors_is_preflight(req))
        return stg_reply_empty(req, HTTP_NO_CONTENT);
    STG_TRY(stg_route_find(&route, api, req));
    if (route->grant != STG_GRANT_NOBODY) {
        STG_TRY(stg_who_authenticate(req));
        STG_TRY(stg_who_check(req, route->grant));
    }
    return route->handler(req);
}

static int handle(request_rec *r)
{
    const stg_api_t *api = r->handler ? stg_dispatch_find(r->handler) : NULL;
    stg_request_t *req;
    stg_error_t *err;

    if (!api)
        return DECLINED;
    req = stg_request_make(r);
    err = run(api, req);
    return err ? stg_refuse(req, err) : OK;
}

/* Counted where every answer comes by, refusals before the handler too. */
static int count(request_rec *r)
{
    static const char *const classes[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};
    const stg_api_t *api = r->handler ? stg_dispatch_find(r->handler) : NULL;

    if (api && r->status >= 100 && r->status < 600)
        stg_metric_add_to(STG_METRIC_REQUESTS, api->name,
                          classes[r->status / 100 - 1], 1);
    return DECLINED;
}

void stg_dispatch_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_handler(handle, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_log_transaction(count, NULL, NULL, APR_HOOK_MIDDLE);
}
