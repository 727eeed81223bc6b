/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_s3.h"
#include "store/s3_object.h"
#include "store/s3_xml.h"
#include "base/crash.h"
#include "base/text.h"

#include <openssl/evp.h>

#include <string.h>

enum { BATCH = 1000, MD5_BYTES = 16 };

static stg_error_t *remove_single(stg_s3_store_t *store, const char *key,
                                  apr_pool_t *p)
{
    const stg_s3_call_t call = {.method = "DELETE", .key = key};
    stg_s3_answer_t *answer;

    STG_CRASH_POINT("s3-delete");
    STG_TRY(stg_s3_call(&answer, store->client, &call, p));
    STG_CRASH_POINT("s3-deleted");
    if (answer->status / 100 == 2 ||
        (answer->status == 404 && !stg_s3_answer_is(answer, "NoSuchBucket")))
        return STG_OK;
    return stg_s3_refusal(&call, answer, p);
}

/* The keys that a bulk removal says it could not remove get one more try,
 * alone: some stores count an absent key as one. */
static stg_error_t *mop_up(stg_s3_store_t *store, const stg_s3_answer_t *answer,
                           apr_pool_t *p)
{
    stg_s3_document_t *document;

    STG_TRY(stg_s3_xml_parse(&document, answer->body, answer->body_size,
                             "Error", p));
    for (int i = 0; i < document->items->nelts; i++) {
        const apr_table_t *item =
            APR_ARRAY_IDX(document->items, i, apr_table_t *);
        const char *key = apr_table_get(item, "Key");
        const char *code = apr_table_get(item, "Code");

        if (key && (!code || strcmp(code, "NoSuchKey") != 0))
            STG_TRY(remove_single(store, key, p));
    }
    return STG_OK;
}

static const char *content_md5(const char *body, apr_pool_t *p)
{
    unsigned char md5[MD5_BYTES];

    if (EVP_Digest(body, strlen(body), md5, NULL, EVP_md5(), NULL) != 1)
        return NULL;
    return stg_base64(md5, sizeof(md5), p);
}

/* *is_done stays 0 if the store has no such call. */
static stg_error_t *remove_bulk(int *is_done, stg_s3_store_t *store,
                                const apr_array_header_t *keys, apr_pool_t *p)
{
    apr_table_t *query = apr_table_make(p, 1);
    apr_table_t *headers = apr_table_make(p, 2);
    stg_s3_call_t call = {.method = "POST",
                          .query = query,
                          .headers = headers,
                          .body = stg_s3_xml_delete(keys, p),
                          .is_body_hashed = 1};
    const char *md5 = content_md5(call.body, p);
    stg_s3_answer_t *answer;

    call.body_size = (apr_off_t)strlen(call.body);
    apr_table_setn(query, "delete", "");
    apr_table_setn(headers, "Content-Type", "application/xml");
    if (md5)
        apr_table_setn(headers, "Content-MD5", md5);
    STG_CRASH_POINT("s3-delete-many");
    STG_TRY(stg_s3_call(&answer, store->client, &call, p));
    STG_CRASH_POINT("s3-deleted-many");
    if (answer->status == 400 || answer->status == 405 ||
        answer->status == 501) {
        __atomic_store_n(&store->is_bulk_refused, 1, __ATOMIC_RELAXED);
        return STG_OK;
    }
    if (answer->status / 100 != 2)
        return stg_s3_refusal(&call, answer, p);
    *is_done = 1;
    return mop_up(store, answer, p);
}

typedef struct abortion_t {
    stg_s3_store_t *store;
    const char *kept;
} abortion_t;

static stg_error_t *abort_found(void *context, const stg_found_t *found,
                                apr_pool_t *p)
{
    const abortion_t *abortion = context;
    const char *key;

    if (abortion->kept && strcmp(found->parts_id, abortion->kept) == 0)
        return STG_OK;
    STG_TRY(stg_s3_store_key(&key, abortion->store, found->key, p));
    return stg_s3_object_abort(abortion->store->client, key, found->parts_id,
                               p);
}

stg_error_t *stg_s3_store_abort_uploads(stg_s3_store_t *store, const char *key,
                                        const char *kept, apr_pool_t *p)
{
    abortion_t abortion = {store, kept};

    return stg_s3_store_list_uploads(store, key, abort_found, &abortion, p);
}

/* A process that dies after it has begun an upload in parts, but before it
 * could tell the database, leaves one that only the store knows of: perhaps
 * beside another, if it had to ask for it twice, or had to sift its parts. */
static stg_error_t *abort_parts(stg_s3_store_t *store, const char *key,
                                const stg_unfinished_t *what, apr_pool_t *p)
{
    if (what->parts_id && what->size >= 0 && !what->is_object_kept)
        STG_TRY(stg_s3_object_abort(store->client, key, what->parts_id, p));
    if (what->parts_id || what->size < 0 || what->is_object_kept)
        return stg_s3_store_abort_uploads(store, what->key, NULL, p);
    return STG_OK;
}

static stg_error_t *remove_batch(stg_s3_store_t *store,
                                 const stg_unfinished_t *what, int count,
                                 apr_pool_t *p)
{
    apr_array_header_t *keys = apr_array_make(p, count, sizeof(const char *));
    int is_done = 0;

    for (int i = 0; i < count; i++) {
        const char *key;

        STG_TRY(stg_s3_store_key(&key, store, what[i].key, p));
        if (!what[i].is_object_kept)
            APR_ARRAY_PUSH(keys, const char *) = key;
        STG_TRY(abort_parts(store, key, &what[i], p));
    }
    if (keys->nelts > 1 &&
        !__atomic_load_n(&store->is_bulk_refused, __ATOMIC_RELAXED))
        STG_TRY(remove_bulk(&is_done, store, keys, p));
    for (int i = 0; !is_done && i < keys->nelts; i++)
        STG_TRY(remove_single(store, APR_ARRAY_IDX(keys, i, const char *), p));
    return STG_OK;
}

stg_error_t *stg_s3_store_remove(stg_store_t *store,
                                 const stg_unfinished_t *what, int count,
                                 apr_pool_t *p)
{
    apr_pool_t *sub;
    stg_error_t *err = STG_OK;

    apr_pool_create(&sub, p);
    while (!err && count > 0) {
        int batch = count < BATCH ? count : BATCH;

        apr_pool_clear(sub);
        err = remove_batch((stg_s3_store_t *)store, what, batch, sub);
        what += batch;
        count -= batch;
    }
    err = stg_error_copy(err, p);
    apr_pool_destroy(sub);
    return err;
}
