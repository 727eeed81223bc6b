/* SPDX-License-Identifier: Apache-2.0 */
#include "resumable/resumable_api.h"

#include "auth/principal.h"
#include "base/log.h"
#include "resumable/dialect.h"
#include "resumable/ietf_api.h"
#include "resumable/ietf_fields.h"
#include "resumable/intake.h"
#include "resumable/problem.h"
#include "resumable/tus_api.h"
#include "web/override.h"
#include "web/reply.h"

#include <apr_strings.h>
#include <http_protocol.h>

#include <string.h>

enum { KEY_MAX = 255 };

stg_error_t *stg_resumable_begin(stg_request_t *req)
{
    stg_dialect_t dialect;

    STG_TRY(stg_override_method(req));
    STG_TRY(stg_dialect_find(&dialect, req));
    if (dialect == STG_TUS)
        stg_dialect_set(req, "Tus-Resumable", STG_TUS_VERSION);
    /* in final answers too: this version wanted that */
    if (stg_ietf_is_old(req))
        stg_dialect_set(req, "Upload-Draft-Interop-Version", "6");
    return STG_OK;
}

/* Nobody is known yet, and the upload need not be there. */
stg_error_t *stg_resumable_options(stg_request_t *req)
{
    stg_tus_announce(req);
    stg_dialect_set(req, "Upload-Limit", stg_resumable_limits(req, NULL));
    stg_dialect_set(req, "Accept-Patch", STG_TUS_TYPE ", " STG_IETF_TYPE);
    return stg_reply_empty(req, HTTP_NO_CONTENT);
}

static int is_tus(const stg_request_t *req)
{
    return stg_dialect_guess(req) == STG_TUS;
}

stg_error_t *stg_resumable_post(stg_request_t *req)
{
    return is_tus(req) ? stg_tus_create(req) : stg_ietf_create(req);
}

stg_error_t *stg_resumable_head(stg_request_t *req)
{
    apr_table_setn(req->r->headers_out, "Cache-Control", "no-store");
    return is_tus(req) ? stg_tus_state(req) : stg_ietf_state(req);
}

stg_error_t *stg_resumable_patch(stg_request_t *req)
{
    return is_tus(req) ? stg_tus_append(req) : stg_ietf_append(req);
}

/* What still sends bytes to it is ended first, as by any newer request. */
stg_error_t *stg_resumable_remove(stg_request_t *req)
{
    stg_intake_t intake = {.req = req};
    stg_resumable_t *resumable;

    STG_TRY(stg_resumable_target(&resumable, req));
    if (resumable->is_held)
        STG_TRY(stg_intake_take(&intake, req, resumable));
    STG_TRY(stg_resumable_delete(req->staging, req->target,
                                 req->policy->service, req->principal->owner,
                                 req->pool));
    return stg_reply_empty(req, HTTP_NO_CONTENT);
}

stg_error_t *stg_resumable_target(stg_resumable_t **resumable,
                                  const stg_request_t *req)
{
    return stg_resumable_find(resumable, req->staging->db, req->target,
                              req->policy->service, req->principal->owner,
                              req->pool);
}

/* Of a creation that may come again, because its answer was lost. */
static stg_error_t *read_key(const char **key, const stg_request_t *req)
{
    *key = apr_table_get(req->r->headers_in, "Idempotency-Key");
    if (!*key)
        return STG_OK;
    if (strlen(*key) > KEY_MAX)
        return stg_raise(req->pool, STG_E_INVALID,
                         "Idempotency-Key exceeds %d characters", KEY_MAX);
    for (const char *c = *key; *c; c++)
        if (*c < ' ' || *c > '~')
            return stg_raise(req->pool, STG_E_INVALID,
                             "Idempotency-Key is not plain ASCII");
    return STG_OK;
}

stg_error_t *stg_resumable_spec_open(stg_resumable_spec_t *spec,
                                     const stg_request_t *req)
{
    const stg_policy_t *policy = req->policy;

    *spec = (stg_resumable_spec_t){.service = policy->service,
                                   .owner = req->principal->owner,
                                   .concat = "none",
                                   .content_type = "application/octet-stream",
                                   .algorithms = policy->digests,
                                   .size = -1,
                                   .max_size = policy->max_upload,
                                   .quota = policy->quota,
                                   .idle = policy->upload_idle,
                                   .lifetime = policy->upload_lifetime,
                                   .retention = policy->retention};
    STG_TRY(read_key(&spec->idempotency_key, req));
    return stg_intake_store(&spec->store, req, policy->store);
}

const char *stg_resumable_link(const stg_request_t *req,
                               const stg_resumable_t *resumable)
{
    return stg_reply_link(req,
                          apr_pstrcat(req->pool, "/", resumable->id, NULL));
}

stg_error_t *stg_resumable_check_size(const stg_request_t *req, apr_off_t size)
{
    if (size <= req->policy->max_upload)
        return STG_OK;
    return stg_raise(req->pool, STG_E_TOO_LARGE,
                     "the upload is larger than the %" APR_OFF_T_FMT
                     " bytes that are accepted here",
                     req->policy->max_upload);
}

apr_off_t stg_resumable_end(apr_off_t offset, apr_off_t length)
{
    if (length < 0)
        return -1;
    return length > APR_INT64_MAX - offset ? APR_INT64_MAX : offset + length;
}

stg_error_t *stg_resumable_check_append(const stg_request_t *req,
                                        apr_off_t length)
{
    if (!req->policy->max_append || length <= req->policy->max_append)
        return STG_OK;
    return stg_raise(req->pool, STG_E_TOO_LARGE,
                     "one request may bring %" APR_OFF_T_FMT " bytes",
                     req->policy->max_append);
}

/* What fails here expires. */
void stg_resumable_forget(const stg_request_t *req,
                          const stg_resumable_t *resumable,
                          const stg_part_upload_t *part)
{
    stg_error_t *err;

    if (!resumable->is_new || !part || stg_part_upload_is_wanted(part))
        return;
    err = stg_resumable_withdraw(resumable, req->staging, part, req->pool);
    if (err)
        stg_log(STG_LOG_INFO, "upload %s is left to expire: %s", resumable->id,
                stg_error_text(err, req->pool));
}

int stg_resumable_is_empty(const stg_request_t *req,
                           const stg_resumable_t *resumable)
{
    if (resumable->state == STG_RESUMABLE_OPEN && !resumable->offset)
        return 1;
    req->r->connection->keepalive = AP_CONN_CLOSE;
    return 0;
}

const char *stg_resumable_limits(const stg_request_t *req,
                                 const stg_resumable_t *resumable)
{
    const stg_policy_t *policy = req->policy;
    apr_pool_t *p = req->pool;
    const char *text = apr_psprintf(
        p, "max-size=%" APR_OFF_T_FMT ", min-size=0", policy->max_upload);

    if (policy->max_append)
        text = apr_psprintf(p, "%s, max-append-size=%" APR_OFF_T_FMT, text,
                            policy->max_append);
    if (!resumable || resumable->state != STG_RESUMABLE_OPEN)
        return text;
    text =
        apr_psprintf(p, "%s, max-age=%" APR_INT64_T_FMT, text, resumable->age);
    if (stg_ietf_is_old(req))
        text = apr_psprintf(p, "%s, expires=%" APR_INT64_T_FMT, text,
                            resumable->age);
    return text;
}

static const char *state_name(const stg_resumable_t *resumable)
{
    return resumable->state == STG_RESUMABLE_COMPLETE ? "success" : "pending";
}

stg_error_t *stg_resumable_reply(stg_request_t *req, int status,
                                 const stg_resumable_t *resumable)
{
    json_t *json = stg_json_object(req->pool);

    stg_json_put_utf8(json, "id", resumable->id);
    stg_json_put_utf8(json, "status", state_name(resumable));
    stg_json_put_int(json, "offset", resumable->offset);
    if (resumable->size >= 0)
        stg_json_put_int(json, "size", resumable->size);
    else
        stg_json_put_utf8(json, "size", NULL);
    stg_json_put_utf8(json, "filename", resumable->filename);
    stg_json_put_utf8(json, "content_type", resumable->content_type);
    for (int i = 0; i < STG_ALGORITHMS; i++)
        stg_json_put_utf8(json, stg_algorithm_name(i),
                          resumable->digests.hex[i]);
    stg_json_put_time(json, "expires", resumable->expires, req->pool);
    return stg_reply_json(req, status, json);
}
