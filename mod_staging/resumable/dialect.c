/* SPDX-License-Identifier: Apache-2.0 */
#include "resumable/dialect.h"

#include "base/text.h"
#include "web/body.h"

#include <apr_strings.h>

#include <string.h>
#include <strings.h>

static const char *field(const stg_request_t *req, const char *name)
{
    return apr_table_get(req->r->headers_in, name);
}

int stg_dialect_has_type(const stg_request_t *req, const char *type)
{
    const char *value = field(req, "Content-Type");
    apr_size_t length = strlen(type);

    return value && !strncasecmp(value, type, length) &&
           (!value[length] || strchr("; \t", value[length]));
}

int stg_dialect_has_body(const stg_request_t *req)
{
    const char *length = field(req, "Content-Length");
    apr_off_t size;

    /* also where it is a POST that overrides its method */
    if (!strcmp(req->r->method, "HEAD"))
        return 0;
    if (length)
        return !stg_parse_off(length, &size) || size > 0;
    /* without either field HTTP/1.1 has no body, HTTP/2 may have one */
    return field(req, "Transfer-Encoding") ||
           req->r->proto_num >= HTTP_VERSION(2, 0);
}

/* Takes nothing. */
typedef struct refusal_t {
    stg_sink_t sink;
    int has_refused;
} refusal_t;

static stg_error_t *refusal_write(stg_sink_t *sink, const char *bytes,
                                  apr_size_t count)
{
    (void)bytes;
    if (!count)
        return STG_OK;
    ((refusal_t *)sink)->has_refused = 1;
    return stg_raise(sink->pool, STG_E_TOO_LARGE, "no body is wanted");
}

static stg_error_t *refusal_close(stg_sink_t *sink)
{
    (void)sink;
    return STG_OK;
}

static const stg_sink_class_t refusal_class = {refusal_write, refusal_close};

stg_error_t *stg_dialect_is_empty(int *is_empty, stg_request_t *req)
{
    refusal_t refusal = {.sink = {&refusal_class, req->pool}};
    apr_off_t length = stg_dialect_has_body(req) ? stg_body_length(req) : 0;
    stg_error_t *err;

    if (length < 0) {
        err = stg_body_pump(req, &refusal.sink);
        if (!refusal.has_refused)
            STG_TRY(err);
    }
    *is_empty = length <= 0 && !refusal.has_refused;
    return STG_OK;
}

static int is_ietf(const stg_request_t *req)
{
    return field(req, "Upload-Complete") ||
           field(req, "Upload-Draft-Interop-Version") ||
           stg_dialect_has_type(req, STG_IETF_TYPE);
}

/* Fields of tus that a request without Tus-Resumable may have all the same. */
static int looks_like_tus(const stg_request_t *req)
{
    return field(req, "Upload-Length") || field(req, "Upload-Defer-Length") ||
           field(req, "Upload-Metadata") || field(req, "Upload-Concat") ||
           stg_dialect_has_type(req, STG_TUS_TYPE);
}

static int is_method(const stg_request_t *req, const char *method)
{
    return !strcmp(req->r->method, method);
}

stg_dialect_t stg_dialect_guess(const stg_request_t *req)
{
    if (is_method(req, "OPTIONS"))
        return STG_DIALECT_NONE;
    if (field(req, "Tus-Resumable"))
        return STG_TUS;
    if (is_ietf(req))
        return STG_IETF;
    return looks_like_tus(req) ? STG_TUS : STG_IETF;
}

static stg_error_t *find_without_marker(const stg_request_t *req)
{
    if (looks_like_tus(req))
        return stg_raise(req->pool, STG_E_PRECONDITION,
                         "send Tus-Resumable: " STG_TUS_VERSION);
    if (is_method(req, "PATCH"))
        return stg_raise(req->pool, STG_E_BAD_MEDIA_TYPE,
                         "bytes are appended as " STG_IETF_TYPE
                         " or " STG_TUS_TYPE);
    if (is_method(req, "POST") || is_method(req, "PUT"))
        return stg_raise(req->pool, STG_E_INVALID,
                         "this is neither an upload by tus (Tus-Resumable) nor "
                         "one by the draft of the IETF (Upload-Complete)");
    return STG_OK;
}

stg_error_t *stg_dialect_find(stg_dialect_t *dialect, const stg_request_t *req)
{
    const char *version;

    *dialect = stg_dialect_guess(req);
    if (*dialect == STG_DIALECT_NONE)
        return STG_OK;
    STG_TRY(stg_dialect_field(&version, req, "Tus-Resumable"));
    if (version && is_ietf(req))
        return stg_raise(req->pool, STG_E_INVALID,
                         "this speaks tus and the draft of the IETF at once");
    if (version && strcmp(version, STG_TUS_VERSION))
        return stg_raise(req->pool, STG_E_PRECONDITION,
                         "only tus " STG_TUS_VERSION " is spoken here");
    if (version || is_ietf(req))
        return STG_OK;
    return find_without_marker(req);
}

/* httpd has joined fields of one name by commas, and none of those that are
 * read here may have one. */
stg_error_t *stg_dialect_field(const char **value, const stg_request_t *req,
                               const char *name)
{
    *value = field(req, name);
    if (*value && strchr(*value, ','))
        return stg_raise(req->pool, STG_E_INVALID, "%s is there twice", name);
    return STG_OK;
}

void stg_dialect_set(const stg_request_t *req, const char *name,
                     const char *value)
{
    /* these are sent with errors too */
    apr_table_setn(req->r->err_headers_out, name, value);
}

void stg_dialect_set_number(const stg_request_t *req, const char *name,
                            apr_off_t value)
{
    stg_dialect_set(req, name, apr_off_t_toa(req->pool, value));
}
