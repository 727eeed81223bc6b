/* SPDX-License-Identifier: Apache-2.0 */
#include "web/refuse.h"

#include "base/json.h"
#include "web/cors.h"
#include "web/problem_json.h"
#include "web/route.h"
#include "web/web.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <util_filter.h>

APLOG_USE_MODULE(staging);

static ap_filter_rec_t *error_filter;

/* A cause may hold text of a peer or a path: it stays in the log. */
void stg_refuse_log(const stg_request_t *req, const stg_error_t *err)
{
    int level = stg_code_status(err->code) >= HTTP_INTERNAL_SERVER_ERROR
                    ? APLOG_ERR
                    : APLOG_DEBUG;

    ap_log_rerror(APLOG_MARK, level, 0, req->r, "%s [request %s]",
                  stg_error_text(err, req->pool), req->id);
}

/* Will bytes of this request still come that nobody is going to read? */
static int has_unread_body(const stg_request_t *req)
{
    const apr_table_t *headers = req->r->headers_in;
    const char *length = apr_table_get(headers, "Content-Length");

    if (req->is_body_read)
        return 0;
    return apr_table_get(headers, "Transfer-Encoding") ||
           (length && strcmp(length, "0"));
}

int stg_refuse(stg_request_t *req, const stg_error_t *err)
{
    request_rec *r = req->r;
    int status = stg_code_status(err->code);

    req->error = err;
    stg_refuse_log(req, err);
    if (req->is_answered)
        return AP_FILTER_ERROR;
    if (err->retry_after)
        apr_table_setn(r->err_headers_out, "Retry-After",
                       apr_itoa(r->pool, err->retry_after));
    else if (status == HTTP_SERVICE_UNAVAILABLE)
        apr_table_setn(r->err_headers_out, "Retry-After", "5");
    if (status == HTTP_UNAUTHORIZED)
        apr_table_setn(r->err_headers_out, "WWW-Authenticate",
                       err->code == STG_E_NO_CREDENTIAL
                           ? "Bearer"
                           : "Bearer error=\"invalid_token\"");
    /* not one of httpd's own */
    if (err->code == STG_E_CHECKSUM)
        r->status_line = "460 Checksum Mismatch";
    stg_request_own_error(r, status);
    return status;
}

const char *stg_refuse_text(int status)
{
    switch (status) {
    case HTTP_UNAUTHORIZED:
        return "authentication is required";
    case HTTP_FORBIDDEN:
        return "access is denied by the configuration of this server";
    case HTTP_NOT_FOUND:
        return "there is nothing here";
    case HTTP_REQUEST_TIME_OUT:
        return "the request came too slowly";
    case HTTP_REQUEST_ENTITY_TOO_LARGE:
        return "the request is larger than this server accepts";
    default:
        return ap_get_status_line(status) + sizeof("500");
    }
}

/* NULL if httpd itself refused. */
static const stg_error_t *own_error(const stg_request_t *req)
{
    const stg_error_t *err = req->error;

    return err && stg_code_status(err->code) == req->r->status ? err : NULL;
}

static const char *usual_body(const stg_request_t *req, const stg_error_t *err)
{
    json_t *body = stg_json_object(req->pool);

    stg_json_put_text(body, "detail",
                      err ? err->message : stg_refuse_text(req->r->status));
    stg_json_put_text(body, "request_id", req->id);
    if (err && err->problems)
        json_object_set(body, "problems",
                        stg_problem_fields_json(err, req->pool));
    return stg_json_dump(body, req->pool);
}

/* Whatever httpd wanted to say is dropped; at its end comes our body. */
static apr_status_t write_error(ap_filter_t *f, apr_bucket_brigade *bb)
{
    stg_request_t *req = f->ctx;
    request_rec *r = req->r;
    const char *body;

    if (APR_BRIGADE_EMPTY(bb) || !APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(bb))) {
        apr_brigade_cleanup(bb);
        return APR_SUCCESS;
    }
    apr_brigade_cleanup(bb);
    body = req->refusal;
    ap_set_content_type(r, req->refusal_type);
    ap_set_content_length(r, (apr_off_t)strlen(body));
    apr_brigade_puts(bb, NULL, NULL, body);
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(f->c->bucket_alloc));
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

/* What the API of the mount says to clients it knows. */
static void set_refusal(stg_request_t *req)
{
    const stg_api_t *api = stg_route_api(req);
    const stg_error_t *err = own_error(req);

    if (api && api->cors)
        stg_cors_apply(req, api->cors);
    req->refusal_type = "application/json";
    req->refusal =
        api && api->refuse ? api->refuse(req, err, &req->refusal_type) : NULL;
    if (!req->refusal)
        req->refusal = usual_body(req, err);
}

/* A header that httpd itself refuses never came by our other hooks. */
static void insert_error_filter(request_rec *r)
{
    stg_request_t *req =
        r->status >= HTTP_BAD_REQUEST ? stg_request_get(r) : NULL;

    if (!req)
        return;
    apr_table_setn(r->err_headers_out, "X-Request-Id", req->id);
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    if (has_unread_body(req))
        r->connection->keepalive = AP_CONN_CLOSE;
    /* mod_authz_core answers 401 whatever the reason of a denial was */
    if (req->error && r->status == HTTP_UNAUTHORIZED)
        r->status = stg_code_status(req->error->code);
    set_refusal(req);
    ap_add_output_filter_handle(error_filter, req, r, r->connection);
}

void stg_refuse_hooks(apr_pool_t *p)
{
    (void)p;
    error_filter = ap_register_output_filter("STAGING_ERROR", write_error, NULL,
                                             AP_FTYPE_RESOURCE);
    ap_hook_insert_error_filter(insert_error_filter, NULL, NULL, APR_HOOK_LAST);
}
