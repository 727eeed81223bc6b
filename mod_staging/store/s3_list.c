/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_s3.h"
#include "store/s3_xml.h"

#include <string.h>

/* One page after the other, each in a pool that is cleared. Where the next
 * one begins is copied to the outer pool's state, which two buffers hold. */
enum { MAX_MARKER = 4096 };

typedef struct walk_t {
    stg_s3_store_t *store;
    const char *prefix; /* of what is looked for, with the store's own */
    stg_found_fn_t *fn;
    void *context;
    const char *item; /* "Contents" or "Upload" */
    char first[MAX_MARKER];
    char second[MAX_MARKER];
    int has_more;
} walk_t;

static apr_table_t *page_query(const walk_t *walk, apr_pool_t *p)
{
    int are_uploads = strcmp(walk->item, "Upload") == 0;
    apr_table_t *query = apr_table_make(p, 6);

    apr_table_setn(query, "encoding-type", "url");
    apr_table_setn(query, "prefix", walk->prefix);
    if (are_uploads) {
        apr_table_setn(query, "uploads", "");
        if (*walk->first)
            apr_table_setn(query, "key-marker", walk->first);
        if (*walk->second)
            apr_table_setn(query, "upload-id-marker", walk->second);
    } else {
        apr_table_setn(query, "list-type", "2");
        if (*walk->first)
            apr_table_setn(query, "continuation-token", walk->first);
    }
    return query;
}

/* False if the marker is too long or the same again: better no end of the
 * list than a list without end. */
static int set_marker(char *marker, const char *value, int *is_new)
{
    apr_size_t length = value ? strlen(value) : 0;

    if (length >= MAX_MARKER)
        return 0;
    if (strcmp(marker, value ? value : "") != 0)
        *is_new = 1;
    memcpy(marker, value ? value : "", length + 1);
    return 1;
}

static stg_error_t *turn_page(walk_t *walk, const stg_s3_page_t *page,
                              apr_pool_t *p)
{
    int is_new = 0;
    const char *first = page->next_token;

    walk->has_more = page->has_more;
    if (!page->has_more)
        return STG_OK;
    if (!first)
        first = page->next_key;
    if (set_marker(walk->first, first, &is_new) &&
        set_marker(walk->second, page->next_upload_id, &is_new) && is_new)
        return STG_OK;
    return stg_because(
        stg_raise(p, STG_E_STORE_FAILED, "the store's answer cannot be read"),
        p, "a list that goes on without saying where");
}

static stg_error_t *show_page(walk_t *walk, const stg_s3_page_t *page,
                              apr_pool_t *p)
{
    apr_size_t prefix = strlen(walk->store->prefix);

    for (int i = 0; i < page->items->nelts; i++) {
        const stg_s3_item_t *item =
            &APR_ARRAY_IDX(page->items, i, stg_s3_item_t);
        stg_found_t found = {.size = item->upload_id ? -1 : item->size,
                             .parts_id = item->upload_id,
                             .etag = item->etag,
                             .modified = item->modified,
                             .is_temporary = item->upload_id != NULL};

        if (!item->key || strncmp(item->key, walk->store->prefix, prefix) != 0)
            continue;
        found.key = item->key + prefix;
        STG_TRY(walk->fn(walk->context, &found, p));
    }
    return STG_OK;
}

static stg_error_t *walk_page(walk_t *walk, apr_pool_t *p)
{
    const stg_s3_call_t call = {.method = "GET", .query = page_query(walk, p)};
    stg_s3_answer_t *answer;
    stg_s3_page_t *page;

    STG_TRY(stg_s3_call_ok(&answer, walk->store->client, &call, p));
    STG_TRY(
        stg_s3_xml_page(&page, answer->body, answer->body_size, walk->item, p));
    STG_TRY(show_page(walk, page, p));
    return turn_page(walk, page, p);
}

static stg_error_t *walk_all(walk_t *walk, apr_pool_t *p)
{
    apr_pool_t *sub;
    stg_error_t *err = STG_OK;

    apr_pool_create(&sub, p);
    walk->has_more = 1;
    while (!err && walk->has_more) {
        apr_pool_clear(sub);
        err = walk_page(walk, sub);
    }
    err = stg_error_copy(err, p);
    apr_pool_destroy(sub);
    return err;
}

stg_error_t *stg_s3_store_list(stg_store_t *store, stg_found_fn_t *fn,
                               void *context, apr_pool_t *p)
{
    const char *const items[] = {"Contents", "Upload"};
    walk_t *walk = apr_palloc(p, sizeof(*walk));

    for (int i = 0; i < 2; i++) {
        memset(walk, 0, sizeof(*walk));
        walk->store = (stg_s3_store_t *)store;
        walk->prefix = walk->store->prefix;
        walk->fn = fn;
        walk->context = context;
        walk->item = items[i];
        STG_TRY(walk_all(walk, p));
    }
    return STG_OK;
}

stg_error_t *stg_s3_store_list_uploads(stg_s3_store_t *store, const char *key,
                                       stg_found_fn_t *fn, void *context,
                                       apr_pool_t *p)
{
    walk_t *walk = apr_pcalloc(p, sizeof(*walk));

    walk->store = store;
    STG_TRY(stg_s3_store_key(&walk->prefix, store, key, p));
    walk->fn = fn;
    walk->context = context;
    walk->item = "Upload";
    return walk_all(walk, p);
}
