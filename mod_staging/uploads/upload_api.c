/* SPDX-License-Identifier: Apache-2.0 */
#include "uploads/upload_api.h"

#include "auth/principal.h"
#include "base/clock.h"
#include "core/ticket.h"
#include "stream/disposition.h"
#include "uploads/history.h"
#include "web/reply.h"
#include "web/serve.h"

#include <apr_strings.h>
#include <http_protocol.h>

#include <string.h>

/* Where an upload that is unfinished can be gone on with, from anywhere. */
static void put_offset(json_t *json, const stg_request_t *req,
                       const stg_upload_t *upload, apr_pool_t *p)
{
    const stg_policy_t *policy = req->policy;

    if (upload->offset < 0)
        return;
    stg_json_put_int(json, "offset", upload->offset);
    if (policy->resumable_path)
        stg_json_put_utf8(
            json, "resumable_url",
            apr_pstrcat(p, policy->base_url ? policy->base_url : "",
                        policy->resumable_path, "/", upload->id, NULL));
}

json_t *stg_upload_json(const stg_request_t *req, const stg_upload_t *upload,
                        apr_pool_t *p)
{
    json_t *json = stg_json_object(p);

    stg_json_put_utf8(json, "id", upload->id);
    stg_json_put_utf8(json, "label", upload->label);
    stg_json_put_utf8(json, "status", upload->status);
    for (int i = 0; i < STG_ALGORITHMS; i++) {
        const char *hex = upload->digests.hex[i];

        /* The three are always members, as clients expect. */
        if (hex || i != STG_SHA512)
            stg_json_put_utf8(json, stg_algorithm_name(i), hex);
    }
    stg_json_put_utf8(json, "repr_digest",
                      stg_digest_field(&upload->digests, p));
    stg_json_put_utf8(
        json, "data_url",
        stg_reply_link(req, apr_pstrcat(p, "/", upload->id, "/data", NULL)));
    stg_json_put_utf8(json, "filename", upload->filename);
    stg_json_put_utf8(json, "content_type", upload->content_type);
    if (upload->size >= 0)
        stg_json_put_int(json, "size", upload->size);
    else
        stg_json_put_utf8(json, "size", NULL);
    stg_json_put_time(json, "created", upload->created, p);
    stg_json_put_time(json, "expires", upload->expires, p);
    stg_json_put_utf8(json, "message", upload->message);
    put_offset(json, req, upload, p);
    return json;
}

static stg_error_t *find(stg_upload_t **upload, stg_request_t *req)
{
    return stg_upload_find(upload, req->staging->db, req->target,
                           req->policy->service, req->principal->owner,
                           req->pool);
}

stg_error_t *stg_upload_get(stg_request_t *req)
{
    stg_upload_t *upload;
    int is_met;

    STG_TRY(find(&upload, req));
    /* all that ever changes are status and, with it, label and digests; and,
     * before, the offset with size and end of life */
    STG_TRY(stg_reply_if_changed(
        &is_met, req,
        apr_psprintf(req->pool,
                     "%s-%s%" APR_OFF_T_FMT ".%" APR_OFF_T_FMT
                     ".%" APR_TIME_T_FMT,
                     upload->id, upload->status, upload->offset, upload->size,
                     upload->expires)));
    return is_met ? STG_OK
                  : stg_reply_json(req, HTTP_OK,
                                   stg_upload_json(req, upload, req->pool));
}

static json_t *event_json(const stg_event_t *event, apr_pool_t *p)
{
    json_t *json = stg_json_object(p);

    stg_json_put_utf8(json, "event", event->event);
    stg_json_put_time(json, "at", event->at, p);
    stg_json_put_time(json, "last", event->last, p);
    stg_json_put_int(json, "count", event->count);
    stg_json_put_utf8(json, "detail", event->detail);
    return json;
}

stg_error_t *stg_upload_events(stg_request_t *req)
{
    json_t *list = stg_json_own(json_array(), req->pool);
    apr_array_header_t *events;

    STG_TRY(stg_history_read(&events, req->staging->db, req->target,
                             req->policy->service, req->principal->owner,
                             req->pool));
    for (int i = 0; i < events->nelts; i++)
        json_array_append(
            list,
            event_json(&APR_ARRAY_IDX(events, i, stg_event_t), req->pool));
    return stg_reply_json(req, HTTP_OK, list);
}

stg_error_t *stg_upload_remove(stg_request_t *req)
{
    STG_TRY(stg_upload_delete(req->staging, req->target, req->policy->service,
                              req->principal->owner, req->pool));
    return stg_reply_empty(req, HTTP_NO_CONTENT);
}

/* A signed URL of the store, or of ours where the store has none: never
 * longer than the upload lives. */
static stg_error_t *sign_download(const char **url, stg_request_t *req,
                                  stg_store_t *store,
                                  const stg_upload_t *upload)
{
    const char *method = req->r->header_only ? "HEAD" : "GET";
    apr_time_t now = stg_clock_now();
    apr_interval_time_t lifetime =
        apr_time_from_sec(req->policy->download_lifetime);
    stg_presign_t presign = {.method = method,
                             .key = stg_store_key(upload->object, req->pool),
                             .content_type = upload->content_type};
    stg_ticket_t ticket = {.method = method,
                           .store = upload->store,
                           .object = upload->object,
                           .content_type = upload->content_type,
                           .filename = upload->filename,
                           .digest = upload->digests.hex[STG_SHA256]};

    if (lifetime > upload->expires - now)
        lifetime = upload->expires - now;
    presign.disposition = stg_disposition(upload->filename, req->pool);
    presign.lifetime = lifetime;
    STG_TRY(store->driver->presign(url, store, &presign, req->pool));
    if (*url)
        return STG_OK;
    ticket.expires = now + lifetime;
    *url = apr_pstrcat(
        req->pool, req->policy->base_url ? req->policy->base_url : "",
        req->policy->download_path, "/",
        stg_ticket_issue(&ticket, req->process->ticket_secret, req->pool),
        NULL);
    return STG_OK;
}

stg_error_t *stg_upload_data(stg_request_t *req)
{
    stg_upload_t *upload;
    stg_store_t *store;
    const char *url;

    STG_TRY(find(&upload, req));
    if (strcmp(upload->status, "success"))
        return stg_raise(req->pool, STG_E_NOT_READY,
                         "upload %s has no data to download: its status is "
                         "%s",
                         upload->id, upload->status);
    store = stg_stores_find(&req->staging->stores, upload->store);
    if (!store)
        return stg_because(
            stg_raise(req->pool, STG_E_STORE_DOWN,
                      "the store of upload %s is not available", upload->id),
            req->pool, "no StagingStore is named %s", upload->store);
    if (!req->r->header_only)
        stg_history_downloaded(req->staging->db, upload->id, req->pool);
    if (req->policy->stream_downloads) {
        stg_serve_t serve = {.store = store,
                             .object = upload->object,
                             .content_type = upload->content_type,
                             .filename = upload->filename,
                             .sha256 = upload->digests.hex[STG_SHA256]};

        return stg_serve(req, &serve);
    }
    STG_TRY(sign_download(&url, req, store, upload));
    return stg_reply_redirect(req, HTTP_MOVED_TEMPORARILY, url);
}
