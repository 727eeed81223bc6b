/* SPDX-License-Identifier: Apache-2.0 */
/* Lists: GET of all, page by page, and the deletion of many. */
#include "uploads/upload_api.h"

#include "auth/principal.h"
#include "base/ids.h"
#include "base/text.h"
#include "uploads/upload_page.h"
#include "web/json_body.h"
#include "web/reply.h"

#include <apr_strings.h>
#include <http_protocol.h>

#include <string.h>

/* The list goes out in pages of this many rows, each fetched for itself, so
 * that neither a connection nor memory is held for the whole of it. */
enum { PAGE_ROWS = 500, LIMIT_MAX = 1000, IDS_BYTES = 64 * 1024 };

/* What was asked for. */
typedef struct wish_t {
    stg_upload_query_t query;
    const char *sort; /* NULL: the usual one */
    apr_off_t limit;  /* 0: all */
    int is_counted;
} wish_t;

static stg_error_t *read_sought(const char **sought, const stg_request_t *req)
{
    apr_size_t characters;
    const char *text;

    *sought = NULL;
    STG_TRY(stg_request_parameter(&text, req, "q"));
    if (!text || !*text)
        return STG_OK;
    stg_utf8_is_valid(text, strlen(text), &characters);
    if (characters > STG_UPLOAD_SOUGHT_MAX)
        return stg_raise(req->pool, STG_E_INVALID,
                         "q has more than %d characters",
                         STG_UPLOAD_SOUGHT_MAX);
    *sought = text;
    return STG_OK;
}

static stg_error_t *read_wish(wish_t *wish, const stg_request_t *req)
{
    stg_upload_query_t *query = &wish->query;
    const char *text, *after, *count;

    query->service = req->policy->service;
    query->owner = req->principal->owner;
    STG_TRY(stg_request_parameter(&after, req, "after"));
    STG_TRY(stg_request_parameter(&wish->sort, req, "sort"));
    STG_TRY(stg_upload_query_start(query, wish->sort, after, req->pool));
    STG_TRY(read_sought(&query->sought, req));
    STG_TRY(stg_request_parameter(&query->status, req, "status"));
    if (query->status && strcmp(query->status, "pending") &&
        strcmp(query->status, "success") && strcmp(query->status, "failure"))
        return stg_raise(req->pool, STG_E_INVALID,
                         "status is pending, success or failure");
    STG_TRY(stg_request_parameter(&count, req, "count"));
    if (count && strcmp(count, "yes"))
        return stg_raise(req->pool, STG_E_INVALID, "count is yes, or left out");
    wish->is_counted = count != NULL;
    STG_TRY(stg_request_parameter(&text, req, "limit"));
    wish->limit = 0;
    if (text && (!stg_parse_off(text, &wish->limit) || wish->limit < 1 ||
                 wish->limit > LIMIT_MAX))
        return stg_raise(req->pool, STG_E_INVALID,
                         "limit is a number from 1 to %d", LIMIT_MAX);
    return STG_OK;
}

static const char *and_parameter(const char *name, const char *value,
                                 apr_pool_t *p)
{
    return value ? apr_pstrcat(p, "&", name, "=",
                               stg_percent_encode(value, NULL, p), NULL)
                 : "";
}

/* RFC 8288. Only a list with a limit has a next page. */
static void set_next(stg_request_t *req, const wish_t *wish)
{
    const stg_upload_query_t *query = &wish->query;
    apr_pool_t *p = req->pool;

    apr_table_setn(
        req->r->headers_out, "Link",
        apr_psprintf(p, "<%s?limit=%" APR_OFF_T_FMT "%s%s%s%s>; rel=\"next\"",
                     stg_reply_link(req, ""), wish->limit,
                     and_parameter("after", stg_upload_cursor(query, p), p),
                     and_parameter("status", query->status, p),
                     and_parameter("sort", wish->sort, p),
                     and_parameter("q", query->sought, p)));
}

static stg_error_t *set_count(stg_request_t *req, wish_t *wish)
{
    int count;

    if (!wish->is_counted)
        return STG_OK;
    STG_TRY(
        stg_upload_count(&count, req->staging->db, &wish->query, req->pool));
    apr_table_setn(req->r->headers_out, "X-Total-Count",
                   count > STG_UPLOAD_COUNT_MAX
                       ? apr_psprintf(req->pool, "%d+", STG_UPLOAD_COUNT_MAX)
                       : apr_itoa(req->pool, count));
    return STG_OK;
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
 * hold the next page's link. */
static stg_error_t *list_limited(stg_request_t *req, wish_t *wish)
{
    apr_array_header_t *page;
    stg_reply_stream_t *stream;

    STG_TRY(stg_upload_page(&page, req->staging->db, &wish->query,
                            (int)wish->limit, req->pool));
    if (wish->query.has_more)
        set_next(req, wish);
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
    STG_TRY(write_page(stream, 1, req, page, p));
    while (query->has_more) {
        apr_pool_clear(p);
        STG_TRY(stg_upload_page(&page, req->staging->db, query, PAGE_ROWS, p));
        STG_TRY(write_page(stream, 0, req, page, p));
    }
    return STG_OK;
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
    wish_t wish;

    STG_TRY(read_wish(&wish, req));
    STG_TRY(set_count(req, &wish));
    return wish.limit ? list_limited(req, &wish) : list_all(req, &wish.query);
}

/* --- many at once ----------------------------------------------------------
 */

static stg_error_t *read_ids(apr_array_header_t **ids, stg_request_t *req)
{
    stg_fields_t *fields;
    const json_t *list;

    STG_TRY(stg_json_body(&fields, req, IDS_BYTES));
    list = stg_fields_array(fields, "ids", STG_REQUIRED);
    *ids = apr_array_make(req->pool, (int)json_array_size(list),
                          sizeof(const char *));
    if (json_array_size(list) > LIMIT_MAX)
        stg_fields_problem(fields, "ids", "has more than 1000 of them");
    for (apr_size_t i = 0; i < json_array_size(list); i++) {
        const char *id = json_string_value(json_array_get(list, i));

        if (id && stg_uuid_is_valid(id)) {
            APR_ARRAY_PUSH(*ids, const char *) = id;
            continue;
        }
        stg_fields_problem(fields, "ids", "has one that is no id");
        break;
    }
    return stg_fields_check(fields, req->pool);
}

/* Each with the status that DELETE of this upload alone would have. */
stg_error_t *stg_upload_remove_all(stg_request_t *req)
{
    stg_upload_batch_t batch = {.service = req->policy->service,
                                .owner = req->principal->owner};
    json_t *body = stg_json_object(req->pool);
    json_t *results = stg_json_own(json_array(), req->pool);
    apr_array_header_t *ids;

    STG_TRY(read_ids(&ids, req));
    batch.ids = ids;
    STG_TRY(stg_upload_delete_all(&batch, req->staging, req->pool));
    for (int i = 0; i < ids->nelts; i++) {
        const char *id = APR_ARRAY_IDX(ids, i, const char *);
        json_t *result = stg_json_object(req->pool);
        int is_deleted =
            apr_hash_get(batch.deleted, id, APR_HASH_KEY_STRING) != NULL;

        stg_json_put_utf8(result, "id", id);
        stg_json_put_int(result, "status",
                         is_deleted ? HTTP_NO_CONTENT : HTTP_NOT_FOUND);
        json_array_append(results, result);
    }
    json_object_set(body, "results", results);
    return stg_reply_json(req, HTTP_OK, body);
}
