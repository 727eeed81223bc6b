/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_s3.h"
#include "store/s3_object.h"
#include "store/s3_parts.h"
#include "store/s3_sift.h"
#include "store/s3_upload.h"

#include <apr_strings.h>

#include <string.h>

enum { READ_ATTEMPTS = 5 };

#define PING_TIMEOUT apr_time_from_sec(4)

stg_error_t *stg_s3_store_key(const char **whole, const stg_s3_store_t *store,
                              const char *key, apr_pool_t *p)
{
    STG_TRY(stg_store_key_check(key, p));
    *whole = apr_pstrcat(p, store->prefix, key, NULL);
    return STG_OK;
}

/* The bucket is the administrator's to make. */
static stg_error_t *prepare(stg_store_t *store, apr_pool_t *p)
{
    (void)store;
    (void)p;
    return STG_OK;
}

static stg_error_t *ping(stg_store_t *store, apr_pool_t *p)
{
    stg_s3_store_t *s3 = (stg_s3_store_t *)store;
    const stg_s3_call_t call = {
        .method = "HEAD", .attempts = 2, .timeout = PING_TIMEOUT};
    stg_s3_answer_t *answer;
    stg_error_t *err = stg_s3_call_ok(&answer, s3->client, &call, p);

    if (err && err->code == STG_E_NOT_FOUND)
        return stg_because(
            stg_raise(p, STG_E_STORE_FAILED, "the store has no such bucket"), p,
            "%s", s3->bucket);
    return err;
}

static int is_down(stg_store_t *store)
{
    return stg_s3_client_is_down(((stg_s3_store_t *)store)->client);
}

static stg_store_t *stoppable(stg_store_t *store, const int *is_stopping,
                              apr_pool_t *p)
{
    stg_s3_store_t *copy = apr_pmemdup(p, store, sizeof(*copy));

    copy->client = stg_s3_client_stoppable(copy->client, is_stopping, p);
    return &copy->store;
}

static stg_error_t *create(stg_sink_t **object, stg_store_t *store,
                           const stg_object_spec_t *spec, apr_pool_t *p)
{
    return stg_s3_parts_sink(object, (stg_s3_store_t *)store, spec, p);
}

/* What was begun under the key before, by who could not tell the database, is
 * of no use to anybody. If it may have been told all the same, this one is. */
static stg_error_t *begin_parts(stg_store_t *store,
                                const stg_object_spec_t *spec, apr_pool_t *p)
{
    stg_s3_upload_t upload = {.store = (stg_s3_store_t *)store};
    stg_error_t *err;

    STG_TRY(stg_s3_store_key(&upload.key, upload.store, spec->key, p));
    err = stg_s3_upload_begin(&upload, spec, p);
    if (err && !err->is_unsure)
        stg_s3_upload_undo(&upload);
    STG_TRY(err);
    return stg_s3_store_abort_uploads(upload.store, spec->key, upload.id, p);
}

static stg_error_t *put_part(stg_stored_part_t *part, stg_store_t *store,
                             const stg_unfinished_t *what,
                             const stg_part_buffer_t *buffer, apr_pool_t *p)
{
    stg_s3_upload_t upload = {.store = (stg_s3_store_t *)store,
                              .id = what->parts_id};
    stg_s3_part_t sent = {.number = part->number};

    STG_TRY(stg_s3_store_key(&upload.key, upload.store, what->key, p));
    STG_TRY(stg_s3_upload_part(&sent, &upload, buffer, p));
    part->etag = sent.etag;
    return STG_OK;
}

static stg_error_t *finish(stg_store_t *store, const stg_unfinished_t *what,
                           apr_pool_t *p)
{
    stg_s3_store_t *s3 = (stg_s3_store_t *)store;
    stg_error_t *err;
    const char *key;

    STG_TRY(stg_s3_store_key(&key, s3, what->key, p));
    STG_TRY(stg_store_parts_check(store, what, p));
    err = stg_s3_object_finish(s3->client, key, what, p);
    if (err && err->code == STG_E_STORE_FAILED && what->parts)
        return stg_s3_sift(s3, key, what, err, p);
    return err;
}

static stg_error_t *head(stg_found_t *found, stg_store_t *store,
                         const char *key, apr_pool_t *p)
{
    stg_s3_store_t *s3 = (stg_s3_store_t *)store;
    stg_s3_object_t object;
    const char *whole;

    STG_TRY(stg_s3_store_key(&whole, s3, key, p));
    STG_TRY(stg_s3_object_head(&object, s3->client, whole, p));
    *found = (stg_found_t){.key = apr_pstrdup(p, key),
                           .size = object.size,
                           .etag = object.etag,
                           .modified = object.modified};
    return STG_OK;
}

/* Between a download and its reader: knows where to go on after a broken
 * connection, and whose fault an error is. */
typedef struct tap_t {
    stg_sink_t sink;
    stg_sink_t *next;
    apr_off_t passed;
    apr_off_t wanted; /* -1: all */
    stg_error_t *refusal;
} tap_t;

static stg_error_t *write_tap(stg_sink_t *sink, const char *bytes,
                              apr_size_t count)
{
    tap_t *tap = (tap_t *)sink;

    tap->refusal = stg_sink_write(tap->next, bytes, count);
    STG_TRY(tap->refusal);
    tap->passed += (apr_off_t)count;
    return STG_OK;
}

static stg_error_t *close_tap(stg_sink_t *sink)
{
    (void)sink;
    return STG_OK;
}

static const stg_sink_class_t tap_class = {write_tap, close_tap};

static const char *range_of(const tap_t *tap, apr_off_t first, apr_pool_t *p)
{
    apr_off_t from = first + tap->passed;

    if (tap->wanted >= 0)
        return apr_psprintf(p, "bytes=%" APR_OFF_T_FMT "-%" APR_OFF_T_FMT, from,
                            first + tap->wanted - 1);
    return from ? apr_psprintf(p, "bytes=%" APR_OFF_T_FMT "-", from) : NULL;
}

static stg_error_t *read_once(tap_t *tap, stg_s3_store_t *store,
                              const char *key, apr_off_t first, apr_pool_t *p)
{
    const char *range = range_of(tap, first, p);
    apr_table_t *headers = apr_table_make(p, 1);
    const stg_s3_call_t call = {
        .method = "GET", .key = key, .headers = headers, .sink = &tap->sink};
    stg_s3_answer_t *answer;

    if (range)
        apr_table_setn(headers, "Range", range);
    STG_TRY(stg_s3_call(&answer, store->client, &call, p));
    if (answer->status / 100 != 2)
        return stg_s3_refusal(&call, answer, p);
    if (range && answer->status != 206)
        return stg_raise(p, STG_E_STORE_FAILED, "the store ignores ranges");
    return STG_OK;
}

/* Keys are never reused, so the rest is of the same object. */
static stg_error_t *read_object(stg_store_t *store, const char *key,
                                apr_off_t first, apr_off_t count,
                                stg_sink_t *sink, apr_pool_t *p)
{
    stg_s3_store_t *s3 = (stg_s3_store_t *)store;
    tap_t tap = {.sink = {.cls = &tap_class, .pool = p},
                 .next = sink,
                 .wanted = count < 0 ? -1 : count};
    stg_error_t *err = STG_OK;
    const char *whole;
    apr_off_t before;

    STG_TRY(stg_s3_store_key(&whole, s3, key, p));
    for (int silent = 0; silent < READ_ATTEMPTS; silent++) {
        if (tap.passed == tap.wanted)
            return STG_OK;
        before = tap.passed;
        err = read_once(&tap, s3, whole, first, p);
        if (!err && tap.wanted > tap.passed)
            return stg_raise(p, STG_E_STORE_FAILED,
                             "the stored object is shorter than it should be");
        if (!err || tap.refusal || err->code != STG_E_STORE_DOWN)
            return err;
        if (tap.passed > before)
            silent = 0;
    }
    return err;
}

static stg_error_t *open_file(apr_file_t **file, stg_store_t *store,
                              const char *key, apr_pool_t *p)
{
    (void)store;
    STG_TRY(stg_store_key_check(key, p));
    *file = NULL;
    return STG_OK;
}

static stg_error_t *presign(const char **url, stg_store_t *store,
                            const stg_presign_t *what, apr_pool_t *p)
{
    stg_s3_store_t *s3 = (stg_s3_store_t *)store;
    apr_table_t *query = apr_table_make(p, 2);
    stg_s3_call_t call = {.method = what->method, .query = query};

    STG_TRY(stg_s3_store_key(&call.key, s3, what->key, p));
    if (what->content_type)
        apr_table_setn(query, "response-content-type", what->content_type);
    if (what->disposition)
        apr_table_setn(query, "response-content-disposition",
                       what->disposition);
    return stg_s3_presign(url, s3->client, &call, what->lifetime, p);
}

const stg_store_driver_t stg_store_s3_driver = {
    .scheme = "s3",
    .open = stg_s3_store_open,
    .prepare = prepare,
    .probe = stg_s3_store_probe,
    .ping = ping,
    .is_down = is_down,
    .stoppable = stoppable,
    .create = create,
    .begin_parts = begin_parts,
    .put_part = put_part,
    .sync_parts = stg_store_parts_are_durable,
    .finish = finish,
    .head = head,
    .read = read_object,
    .open_file = open_file,
    .presign = presign,
    .remove = stg_s3_store_remove,
    .list = stg_s3_store_list,
};
