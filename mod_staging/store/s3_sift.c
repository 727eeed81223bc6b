/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3_sift.h"
#include "store/s3_object.h"
#include "store/s3_upload.h"
#include "store/s3_xml.h"
#include "base/text.h"
#include "stream/sink.h"

#include <apr_strings.h>

#include <string.h>

enum {
    FILLING = 5 * 1024 * 1024, /* the least that is no last part */
    BLOCK = 64 * 1024,
    SIGN = 64
};

/* The store copies what may be large before it answers. */
#define COPY_TIMEOUT apr_time_from_sec(120)

/* A filling begins with this, and goes on with zeros. If an object of a user
 * does by chance or by malice, its ETag will not be what it has to be. */
static const char sign[SIGN] =
    "filling of mod_staging: 8d1f0c52-6b39-4b0e-9a57-f2c4d7e1630b";

typedef struct sift_t {
    stg_s3_store_t *store;
    const char *key; /* whole */
    const stg_unfinished_t *what;
    apr_pool_t *pool;
} sift_t;

/* --- an object of all parts ----------------------------------------------- */

static const stg_s3_item_t *find_part(const apr_array_header_t *parts,
                                      int number)
{
    for (int i = 0; i < parts->nelts; i++) {
        const stg_s3_item_t *part = &APR_ARRAY_IDX(parts, i, stg_s3_item_t);

        if (part->number == number)
            return part;
    }
    return NULL;
}

/* Is each part that counts there still, as it was sent? */
static int are_kept(const sift_t *sift, const apr_array_header_t *listed)
{
    for (int i = 0; i < sift->what->part_count; i++) {
        const stg_stored_part_t *part = &sift->what->parts[i];
        const stg_s3_item_t *kept = find_part(listed, part->number);

        if (!kept || !kept->etag || !part->etag || kept->size != part->size ||
            strcmp(kept->etag, part->etag) != 0)
            return 0;
    }
    return 1;
}

static int is_counted(const sift_t *sift, apr_off_t number)
{
    for (int i = 0; i < sift->what->part_count; i++) {
        if (sift->what->parts[i].number == number)
            return 1;
    }
    return 0;
}

static stg_error_t *make_filling(stg_part_buffer_t **buffer, const sift_t *sift)
{
    stg_part_buffer_t *made =
        stg_part_buffer_create(sift->store->budget, sift->pool);
    char *zeros = apr_pcalloc(sift->pool, BLOCK);
    apr_off_t room;

    stg_part_buffer_clear(made, FILLING);
    STG_TRY(stg_part_buffer_add(made, sign, SIGN, sift->pool));
    while ((room = stg_part_buffer_room(made)) > 0)
        STG_TRY(stg_part_buffer_add(
            made, zeros, room < BLOCK ? (apr_size_t)room : BLOCK, sift->pool));
    *buffer = made;
    return STG_OK;
}

static stg_error_t *fill_others(const sift_t *sift, apr_array_header_t *listed)
{
    stg_s3_upload_t upload = {
        .store = sift->store, .key = sift->key, .id = sift->what->parts_id};
    stg_part_buffer_t *filling;

    STG_TRY(make_filling(&filling, sift));
    for (int i = 0; i < listed->nelts; i++) {
        stg_s3_item_t *item = &APR_ARRAY_IDX(listed, i, stg_s3_item_t);
        stg_s3_part_t part = {.number = (int)item->number};

        if (is_counted(sift, item->number))
            continue;
        STG_TRY(stg_s3_upload_part(&part, &upload, filling, sift->pool));
        item->etag = part.etag;
        item->size = FILLING;
    }
    stg_part_buffer_clear(filling, 0);
    return STG_OK;
}

static stg_error_t *complete_all(const sift_t *sift, stg_error_t *refusal)
{
    stg_s3_client_t *client = sift->store->client;
    const char *id = sift->what->parts_id;
    apr_array_header_t *listed;

    STG_TRY(
        stg_s3_object_list_parts(&listed, client, sift->key, id, sift->pool));
    if (!are_kept(sift, listed) || listed->nelts == sift->what->part_count)
        return refusal;
    STG_TRY(fill_others(sift, listed));
    return stg_s3_object_complete(client, sift->key, id, listed, sift->pool);
}

/* --- what counts in it ---------------------------------------------------- */

static stg_error_t *is_filling(int *is_one, const sift_t *sift, apr_off_t at)
{
    stg_store_t *store = &sift->store->store;
    stg_memory_sink_t *memory = stg_memory_sink_create(SIGN, sift->pool);
    apr_size_t count = 0;
    const char *text;

    STG_TRY(store->driver->read(store, sift->what->key, at, SIGN,
                                stg_memory_sink(memory), sift->pool));
    text = stg_memory_sink_text(memory, &count);
    *is_one = count == SIGN && memcmp(text, sign, SIGN) == 0;
    return STG_OK;
}

/* Where each part begins. Fillings can only be where numbers are left out. */
static stg_error_t *find_places(apr_off_t *places, const sift_t *sift,
                                apr_off_t size)
{
    apr_off_t at = 0;
    int number = 0;

    for (int i = 0; i < sift->what->part_count; i++) {
        const stg_stored_part_t *part = &sift->what->parts[i];
        int is_one = 1;

        while (++number < part->number && is_one && at + FILLING <= size) {
            STG_TRY(is_filling(&is_one, sift, at));
            if (is_one)
                at += FILLING;
        }
        number = part->number;
        places[i] = at;
        at += part->size;
    }
    if (at > size)
        return stg_because(stg_raise(sift->pool, STG_E_STORE_FAILED,
                                     "the store does not hold what was sent"),
                           sift->pool, "%s is too short", sift->key);
    return STG_OK;
}

static stg_error_t *copy_part(stg_s3_item_t *item, const sift_t *sift,
                              const char *upload_id, apr_off_t place)
{
    apr_pool_t *p = sift->pool;
    apr_table_t *query = apr_table_make(p, 2);
    apr_table_t *headers = apr_table_make(p, 2);
    const stg_s3_call_t call = {.method = "PUT",
                                .key = sift->key,
                                .query = query,
                                .headers = headers,
                                .timeout = COPY_TIMEOUT};
    stg_s3_document_t *document;
    stg_s3_answer_t *answer;
    const char *etag;

    apr_table_setn(query, "partNumber", apr_ltoa(p, (long)item->number));
    apr_table_setn(query, "uploadId", upload_id);
    apr_table_setn(headers, "x-amz-copy-source",
                   apr_pstrcat(p, "/", sift->store->bucket, "/",
                               stg_percent_encode(sift->key, "/", p), NULL));
    apr_table_setn(headers, "x-amz-copy-source-range",
                   apr_psprintf(p, "bytes=%" APR_OFF_T_FMT "-%" APR_OFF_T_FMT,
                                place, place + item->size - 1));
    STG_TRY(stg_s3_upload_blame(
        stg_s3_call_ok(&answer, sift->store->client, &call, p)));
    STG_TRY(
        stg_s3_xml_parse(&document, answer->body, answer->body_size, NULL, p));
    etag = stg_s3_etag(apr_table_get(document->fields, "ETag"), p);
    if (!etag)
        return stg_because(
            stg_raise(p, STG_E_STORE_DOWN, "the store did not copy a part"), p,
            "%s instead of a result", document->root);
    item->etag = etag;
    return STG_OK;
}

static stg_error_t *copy_parts(apr_array_header_t *items, const sift_t *sift,
                               const char *upload_id, const apr_off_t *places)
{
    for (int i = 0; i < sift->what->part_count; i++) {
        stg_s3_item_t *item = apr_array_push(items);

        *item =
            (stg_s3_item_t){.number = i + 1, .size = sift->what->parts[i].size};
        STG_TRY(copy_part(item, sift, upload_id, places[i]));
    }
    return STG_OK;
}

static stg_error_t *replace(const sift_t *sift, const stg_s3_object_t *object)
{
    const stg_object_spec_t spec = {.key = sift->what->key,
                                    .content_type = object->content_type,
                                    .token = sift->what->token};
    stg_s3_upload_t upload = {.store = sift->store, .key = sift->key};
    apr_size_t count = (apr_size_t)sift->what->part_count;
    apr_off_t *places = apr_palloc(sift->pool, count * sizeof(*places));
    apr_array_header_t *items =
        apr_array_make(sift->pool, (int)count, sizeof(stg_s3_item_t));
    stg_error_t *err;

    STG_TRY(find_places(places, sift, object->size));
    STG_TRY(stg_s3_upload_begin(&upload, &spec, sift->pool));
    /* What one that died here has begun. */
    err = stg_s3_store_abort_uploads(sift->store, spec.key, upload.id,
                                     sift->pool);
    if (!err)
        err = copy_parts(items, sift, upload.id, places);
    if (err)
        stg_s3_upload_undo(&upload);
    STG_TRY(err);
    return stg_s3_object_complete(sift->store->client, sift->key, upload.id,
                                  items, sift->pool);
}

stg_error_t *stg_s3_sift(stg_s3_store_t *store, const char *key,
                         const stg_unfinished_t *what, stg_error_t *refusal,
                         apr_pool_t *p)
{
    const sift_t sift = {store, key, what, p};
    stg_s3_object_t object;
    stg_error_t *err;

    err = stg_s3_object_head(&object, store->client, key, p);
    if (err && err->code == STG_E_NOT_FOUND) {
        STG_TRY(complete_all(&sift, refusal));
        err = stg_s3_object_head(&object, store->client, key, p);
    }
    STG_TRY(err);
    /* One of its own making is larger. */
    if (object.size <= what->size)
        return refusal;
    STG_TRY(replace(&sift, &object));
    return stg_s3_object_finish(store->client, key, what, p);
}
