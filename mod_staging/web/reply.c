/* SPDX-License-Identifier: Apache-2.0 */
#include "web/reply.h"

#include "web/web.h"

#include <apr_strings.h>
#include <http_log.h>
#include <http_protocol.h>
#include <util_filter.h>

#include <string.h>

APLOG_USE_MODULE(staging);

/* Pieces are gathered up to this size before they go out. */
enum { FLUSH_BYTES = 32 * 1024 };

struct stg_reply_stream_t {
    stg_request_t *req;
    apr_bucket_brigade *bb;
    apr_size_t gathered;
};

/* What a client gets here is between us and this client. */
static void set_common(stg_request_t *req, int status)
{
    apr_table_t *headers = req->r->headers_out;

    req->r->status = status;
    if (!apr_table_get(headers, "Cache-Control"))
        apr_table_setn(headers, "Cache-Control", "private, no-cache");
    apr_table_setn(headers, "X-Content-Type-Options", "nosniff");
}

stg_error_t *stg_reply_json(stg_request_t *req, int status, const json_t *json)
{
    const char *text = stg_json_dump(json, req->pool);

    set_common(req, status);
    ap_set_content_type(req->r, "application/json");
    ap_set_content_length(req->r, (apr_off_t)strlen(text));
    ap_rputs(text, req->r);
    return STG_OK;
}

stg_error_t *stg_reply_empty(stg_request_t *req, int status)
{
    set_common(req, status);
    return STG_OK;
}

stg_error_t *stg_reply_cut(stg_request_t *req)
{
    request_rec *r = req->r;

    /* for the log, since nothing goes out */
    r->status = HTTP_SERVICE_UNAVAILABLE;
    /* aborted closes an HTTP/1.1 connection at once. An HTTP/2 stream would be
     * answered all the same: it is reset when it has ended without a header,
     * which is not made for an answer that is over. */
    r->eos_sent = 1;
    r->connection->keepalive = AP_CONN_CLOSE;
    r->connection->aborted = 1;
    return STG_OK;
}

stg_error_t *stg_reply_redirect(stg_request_t *req, int status,
                                const char *location)
{
    apr_table_t *headers = req->r->headers_out;

    apr_table_setn(headers, "Location", location);
    apr_table_setn(headers, "Cache-Control", "no-store");
    apr_table_setn(headers, "Referrer-Policy", "no-referrer");
    set_common(req, status);
    ap_set_content_length(req->r, 0);
    return STG_OK;
}

stg_error_t *stg_reply_if_changed(int *is_met, stg_request_t *req,
                                  const char *etag)
{
    int status;

    apr_table_setn(req->r->headers_out, "ETag",
                   apr_psprintf(req->pool, "\"%s\"", etag));
    status = ap_meets_conditions(req->r);
    if (status == HTTP_PRECONDITION_FAILED)
        return stg_raise(req->pool, STG_E_PRECONDITION,
                         "it has changed meanwhile");
    *is_met = status != OK;
    if (*is_met)
        set_common(req, status);
    return STG_OK;
}

stg_reply_stream_t *stg_reply_begin(stg_request_t *req, int status,
                                    const char *content_type)
{
    stg_reply_stream_t *stream = apr_pcalloc(req->pool, sizeof(*stream));

    set_common(req, status);
    ap_set_content_type(req->r, content_type);
    stream->req = req;
    stream->bb =
        apr_brigade_create(req->pool, req->r->connection->bucket_alloc);
    return stream;
}

static stg_error_t *pass_on(stg_reply_stream_t *stream)
{
    stg_request_t *req = stream->req;
    apr_status_t status = ap_pass_brigade(req->r->output_filters, stream->bb);

    apr_brigade_cleanup(stream->bb);
    stream->gathered = 0;
    if (status == APR_SUCCESS && !req->r->connection->aborted)
        return STG_OK;
    return stg_raise(req->pool, STG_E_BODY_INCOMPLETE, "the client went away");
}

stg_error_t *stg_reply_write(stg_reply_stream_t *stream, const char *bytes,
                             apr_size_t count)
{
    /* copies; the bucket allocator takes its memory back when sent */
    apr_brigade_write(stream->bb, NULL, NULL, bytes, count);
    stream->gathered += count;
    return stream->gathered < FLUSH_BYTES ? STG_OK : pass_on(stream);
}

stg_error_t *stg_reply_end(stg_reply_stream_t *stream)
{
    apr_bucket *eos =
        apr_bucket_eos_create(stream->req->r->connection->bucket_alloc);

    APR_BRIGADE_INSERT_TAIL(stream->bb, eos);
    return pass_on(stream);
}

stg_error_t *stg_reply_break(stg_reply_stream_t *stream, const stg_error_t *err)
{
    request_rec *r = stream->req->r;
    apr_bucket *broken = ap_bucket_error_create(HTTP_BAD_GATEWAY, NULL, r->pool,
                                                r->connection->bucket_alloc);
    /* a client that leaves is nobody's fault */
    int level = stg_code_status(err->code) >= HTTP_INTERNAL_SERVER_ERROR
                    ? APLOG_ERR
                    : APLOG_DEBUG;

    ap_log_rerror(APLOG_MARK, level, 0, r, "%s [request %s]",
                  stg_error_text(err, r->pool), stream->req->id);
    r->connection->keepalive = AP_CONN_CLOSE;
    APR_BRIGADE_INSERT_TAIL(stream->bb, broken);
    pass_on(stream);
    r->connection->aborted = 1;
    return STG_OK;
}

const char *stg_reply_link(const stg_request_t *req, const char *suffix)
{
    const stg_policy_t *policy = req->policy;

    return apr_pstrcat(req->pool, policy->base_url ? policy->base_url : "",
                       policy->mount, suffix, NULL);
}
