/* SPDX-License-Identifier: Apache-2.0 */
#include "uploads/upload_api.h"

#include "auth/principal.h"
#include "base/clock.h"
#include "base/text.h"
#include "core/ticket.h"
#include "stream/disposition.h"
#include "web/reply.h"
#include "web/serve.h"

#include <apr_strings.h>
#include <http_protocol.h>

#include <string.h>

/* The list goes out in pages of this many rows, each fetched for itself, so
 * that neither a connection nor memory is held for the whole of it. */
enum { PAGE_ROWS = 500, LIMIT_MAX = 1000 };

json_t *stg_upload_json(const stg_request_t *req, const stg_upload_t *upload,
                        apr_pool_t *p)
{
    json_t *json = stg_json_object(p);

    stg_json_put_utf8(json, "id", upload->id);
    stg_json_put_utf8(json, "label", upload->label);
    stg_json_put_utf8(json, "status", upload->status);
    for (int i = 0; i < STG_ALGORITHMS; i++)
        stg_json_put_utf8(json, stg_algorithm_name(i), upload->digests.hex[i]);
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
    /* all that ever changes are status and, with it, label and digests */
    STG_TRY(stg_reply_if_changed(
        &is_met, req,
        apr_pstrcat(req->pool, upload->id, "-", upload->status, NULL)));
    return is_met ? STG_OK
                  : stg_reply_json(req, HTTP_OK,
                                   stg_upload_json(req, upload, req->pool));
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
    if (req->policy->stream_downloads) {
        stg_serve_t serve = {.store = store,
                             .object = upload->object,
                             .content_type = upload->content_type,
                             .filename = upload->filename,
                             .sha256 = upload->digests.hex[STG_SHA256]};

        return stg_serve(req, &serve);
    }
    STG_TRY(sign_download(&url, req, store, upload));
    return stg_reply_redirect(req, url);
}

static stg_error_t *read_query(stg_upload_query_t *query, apr_off_t *limit,
                               const stg_request_t *req)
{
    const char *text, *after;

    query->service = req->policy->service;
    query->owner = req->principal->owner;
    STG_TRY(stg_request_parameter(&after, req, "after"));
    STG_TRY(stg_upload_query_start(query, after, req->pool));
    STG_TRY(stg_request_parameter(&query->status, req, "status"));
    if (query->status && strcmp(query->status, "pending") &&
        strcmp(query->status, "success") && strcmp(query->status, "failure"))
        return stg_raise(req->pool, STG_E_INVALID,
                         "status is pending, success or failure");
    STG_TRY(stg_request_parameter(&text, req, "limit"));
    *limit = 0;
    if (text &&
        (!stg_parse_off(text, limit) || *limit < 1 || *limit > LIMIT_MAX))
        return stg_raise(req->pool, STG_E_INVALID,
                         "limit is a number from 1 to %d", LIMIT_MAX);
    return STG_OK;
}

/* RFC 8288. Only a list with a limit has a next page. */
static void set_next(stg_request_t *req, const stg_upload_query_t *query,
                     apr_off_t limit)
{
    const char *status =
        query->status ? apr_pstrcat(req->pool, "&status=", query->status, NULL)
                      : "";

    apr_table_setn(req->r->headers_out, "Link",
                   apr_psprintf(req->pool,
                                "<%s?limit=%" APR_OFF_T_FMT "&after=%s%s>; "
                                "rel=\"next\"",
                                stg_reply_link(req, ""), limit,
                                stg_upload_cursor(query, req->pool), status));
}

static stg_error_t *write_page(stg_reply_stream_t *stream, int is_first,
                               stg_request_t *req,
                               const apr_array_header_t *page, apr_pool_t *p)
{
    for (int i = 0; i < page->nelts; i++) {
        const char *text = stg_json_dump(
            stg_upload_json(req, &APR_ARRAY_IDX(page, i, stg_upload_t), p), p);

        if (!is_first || i)
            STG_TRY(stg_reply_write(stream, ",\n", 2));
        STG_TRY(stg_reply_write(stream, text, strlen(text)));
    }
    return STG_OK;
}

/* A list with a limit is known before its head goes out, so that the head can
 * hold the next page's link: one row more than asked for tells. */
static stg_error_t *list_limited(stg_request_t *req, stg_upload_query_t *query,
                                 int limit)
{
    stg_upload_query_t ahead = *query;
    apr_array_header_t *page;
    stg_reply_stream_t *stream;

    STG_TRY(
        stg_upload_page(&page, req->staging->db, &ahead, limit + 1, req->pool));
    if (page->nelts > limit) {
        const stg_upload_t *last =
            &APR_ARRAY_IDX(page, limit - 1, stg_upload_t);

        query->before = last->created;
        query->before_id = last->id;
        set_next(req, query, limit);
        page->nelts = limit;
    }
    stream = stg_reply_begin(req, HTTP_OK, "application/json");
    STG_TRY(stg_reply_write(stream, "[", 1));
    STG_TRY(write_page(stream, 1, req, page, req->pool));
    STG_TRY(stg_reply_write(stream, "]", 1));
    return stg_reply_end(stream);
}

/* The rest of a list of any length, a page at a time. */
static stg_error_t *write_pages(stg_reply_stream_t *stream, stg_request_t *req,
                                stg_upload_query_t *query,
                                apr_array_header_t *page, apr_pool_t *p)
{
    char last_id[sizeof("01234567-0123-4123-8123-012345678901")];
    int is_first = 1;

    for (;;) {
        int is_last = page->nelts < PAGE_ROWS;

        STG_TRY(write_page(stream, is_first, req, page, p));
        if (is_last)
            return STG_OK;
        is_first = 0;
        apr_cpystrn(last_id, query->before_id, sizeof(last_id));
        apr_pool_clear(p);
        query->before_id = last_id;
        STG_TRY(stg_upload_page(&page, req->staging->db, query, PAGE_ROWS, p));
    }
}

static stg_error_t *list_all(stg_request_t *req, stg_upload_query_t *query)
{
    apr_array_header_t *page;
    stg_reply_stream_t *stream;
    stg_error_t *err;
    apr_pool_t *p;

    if (req->r->header_only) {
        ap_set_content_type(req->r, "application/json");
        return stg_reply_empty(req, HTTP_OK);
    }
    apr_pool_create(&p, req->pool);
    /* what fails here still gets a proper answer */
    STG_TRY(stg_upload_page(&page, req->staging->db, query, PAGE_ROWS, p));
    stream = stg_reply_begin(req, HTTP_OK, "application/json");
    STG_TRY(stg_reply_write(stream, "[", 1));
    err = write_pages(stream, req, query, page, p);
    if (err)
        return stg_reply_break(stream, err);
    STG_TRY(stg_reply_write(stream, "]", 1));
    return stg_reply_end(stream);
}

stg_error_t *stg_upload_list(stg_request_t *req)
{
    stg_upload_query_t query;
    apr_off_t limit;

    STG_TRY(read_query(&query, &limit, req));
    return limit ? list_limited(req, &query, (int)limit)
                 : list_all(req, &query);
}
