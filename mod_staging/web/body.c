/* SPDX-License-Identifier: Apache-2.0 */
#include "web/body.h"

#include "base/text.h"
#include "web/drain.h"

#include <apr_buckets.h>
#include <http_protocol.h>
#include <util_filter.h>

enum { READ_BYTES = 64 * 1024 };

apr_off_t stg_body_length(const stg_request_t *req)
{
    const char *text = apr_table_get(req->r->headers_in, "Content-Length");
    apr_off_t length;

    return text && stg_parse_off(text, &length) ? length : -1;
}

/* Where there is a Content-Length httpd compares. */
int stg_body_end_is_safe(const stg_request_t *req)
{
    return req->r->proto_num < HTTP_VERSION(2, 0) || stg_body_length(req) >= 0;
}

static stg_error_t *read_failed(stg_request_t *req, apr_status_t status)
{
    int http = ap_map_http_request_error(status, HTTP_BAD_REQUEST);
    stg_error_t *err;

    /* bad framing is answered where it is noticed */
    req->is_answered = http == AP_FILTER_ERROR;
    if (http == HTTP_REQUEST_ENTITY_TOO_LARGE)
        err = stg_raise(req->pool, STG_E_TOO_LARGE,
                        "the body is larger than LimitRequestBody allows");
    else if (http == HTTP_REQUEST_TIME_OUT)
        err = stg_raise(req->pool, STG_E_TIMEOUT, "the body came too slowly");
    else
        err = stg_raise(req->pool, STG_E_BODY_INCOMPLETE,
                        "the body ended before it was complete");
    return stg_because_apr(err, req->pool, status, "reading the body");
}

/* Hand the buckets on, one by one; *is_end turns true at the end. */
static stg_error_t *pump_brigade(int *is_end, stg_request_t *req,
                                 apr_bucket_brigade *bb, stg_sink_t *sink)
{
    while (!APR_BRIGADE_EMPTY(bb)) {
        apr_bucket *bucket = APR_BRIGADE_FIRST(bb);
        const char *bytes;
        apr_size_t count;
        apr_status_t status;

        if (APR_BUCKET_IS_EOS(bucket)) {
            *is_end = 1;
            return STG_OK;
        }
        if (!APR_BUCKET_IS_METADATA(bucket)) {
            status = apr_bucket_read(bucket, &bytes, &count, APR_BLOCK_READ);
            if (status != APR_SUCCESS)
                return read_failed(req, status);
            if (count)
                STG_TRY(stg_sink_write(sink, bytes, count));
        }
        apr_bucket_delete(bucket);
    }
    return STG_OK;
}

stg_error_t *stg_body_pump(stg_request_t *req, stg_sink_t *sink)
{
    request_rec *r = req->r;
    apr_bucket_brigade *bb =
        apr_brigade_create(r->pool, r->connection->bucket_alloc);
    stg_drain_t *drain = req->process->drain;
    stg_error_t *err = STG_OK;
    stg_drain_wait_t wait;
    int is_end = 0;

    stg_drain_enter(&wait, drain, r);
    while (!is_end && !err) {
        apr_status_t status =
            ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES,
                           APR_BLOCK_READ, READ_BYTES);

        err = stg_drain_check(drain, r);
        if (!err && status != APR_SUCCESS)
            err = read_failed(req, status);
        else if (!err)
            err = pump_brigade(&is_end, req, bb, sink);
    }
    stg_drain_leave(&wait);
    apr_brigade_destroy(bb);
    req->is_body_read = is_end;
    return err;
}

const char *stg_body_field(const stg_request_t *req, const char *name)
{
    const char *value = apr_table_get(req->r->headers_in, name);

    return value ? value : apr_table_get(req->r->trailers_in, name);
}
