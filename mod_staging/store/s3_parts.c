/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3_parts.h"
#include "store/part_queue.h"
#include "store/s3_object.h"
#include "store/s3_upload.h"

#include <apr_strings.h>

#include <pthread.h>
#include <string.h>

#define MIB ((apr_off_t)1024 * 1024)
#define MAX_PART_SIZE (5 * 1024 * MIB)

enum { GROWTH = 1200, KNOWN_PARTS = 9000 };

typedef struct parts_t {
    stg_sink_t sink;
    stg_s3_upload_t upload;
    stg_s3_store_t *store;
    stg_object_spec_t spec;
    stg_part_queue_t *queue;
    stg_part_buffer_t *filling; /* of the queue, or NULL */
    apr_off_t cut;              /* bytes in parts that were given to it */
    int part_count;
    int is_closed;
    pthread_mutex_t mutex;
    struct {
        apr_array_header_t *md5s; /* STG_PART_MD5_BYTES each, by number */
        int has_own_etags;
    } synced;
} parts_t;

apr_off_t stg_s3_part_size(apr_off_t first, apr_off_t sent)
{
    apr_off_t size = (sent / GROWTH + MIB - 1) / MIB * MIB;

    if (size > MAX_PART_SIZE)
        return MAX_PART_SIZE;
    return size > first ? size : first;
}

/* Knowing the size saves the growing. */
static apr_off_t first_size(const stg_s3_store_t *store, apr_off_t size)
{
    apr_off_t needed = (size / KNOWN_PARTS + MIB - 1) / MIB * MIB;

    if (needed > MAX_PART_SIZE)
        return MAX_PART_SIZE;
    return needed > store->store.part_size ? needed : store->store.part_size;
}

/* In a thread of the queue. */
static stg_error_t *send_part(void *context, int index,
                              const stg_part_buffer_t *buffer, apr_pool_t *p)
{
    parts_t *parts = context;
    stg_s3_part_t part = {.number = index + 1};

    STG_TRY(stg_s3_upload_blame(
        stg_s3_upload_part(&part, &parts->upload, buffer, p)));
    pthread_mutex_lock(&parts->mutex);
    if (part.has_own_etag)
        parts->synced.has_own_etags = 1;
    memcpy(parts->synced.md5s->elts + index * STG_PART_MD5_BYTES, part.md5,
           STG_PART_MD5_BYTES);
    pthread_mutex_unlock(&parts->mutex);
    return STG_OK;
}

static stg_error_t *take_buffer(parts_t *parts)
{
    return stg_part_queue_take(
        &parts->filling, parts->queue,
        stg_s3_part_size(first_size(parts->store, parts->spec.size),
                         parts->cut));
}

static stg_error_t *hand_over(parts_t *parts)
{
    if (parts->part_count == 0)
        STG_TRY(stg_s3_upload_begin(&parts->upload, &parts->spec,
                                    parts->sink.pool));
    parts->cut += stg_part_buffer_size(parts->filling);
    parts->part_count++;
    parts->filling = NULL;
    pthread_mutex_lock(&parts->mutex);
    memset(apr_array_push(parts->synced.md5s), 0, STG_PART_MD5_BYTES);
    pthread_mutex_unlock(&parts->mutex);
    return stg_part_queue_give(parts->queue);
}

/* A full part is kept until more bytes come: it may be the whole object. */
static stg_error_t *write_parts(stg_sink_t *sink, const char *bytes,
                                apr_size_t count)
{
    parts_t *parts = (parts_t *)sink;
    apr_off_t room;
    apr_size_t n;

    while (count > 0) {
        if (!parts->filling)
            STG_TRY(take_buffer(parts));
        room = stg_part_buffer_room(parts->filling);
        if (room == 0) {
            STG_TRY(hand_over(parts));
            continue;
        }
        n = (apr_off_t)count < room ? count : (apr_size_t)room;
        STG_TRY(stg_part_buffer_add(parts->filling, bytes, n, sink->pool));
        bytes += n;
        count -= n;
    }
    return STG_OK;
}

static stg_error_t *check_size(const parts_t *parts)
{
    apr_off_t size = parts->cut;

    if (parts->filling)
        size += stg_part_buffer_size(parts->filling);
    if (parts->spec.size < 0 || size == parts->spec.size)
        return STG_OK;
    return stg_raise(parts->sink.pool, STG_E_STORE_FAILED,
                     "the object has not the size that was announced");
}

static stg_error_t *close_single(parts_t *parts)
{
    stg_receipt_t *receipt = parts->spec.receipt;

    if (!parts->filling)
        STG_TRY(take_buffer(parts));
    STG_TRY(stg_s3_upload_single(&receipt->etag, &parts->upload, &parts->spec,
                                 parts->filling, parts->sink.pool));
    receipt->size = stg_part_buffer_size(parts->filling);
    receipt->is_finished = 1;
    stg_part_buffer_clear(parts->filling, 0);
    return STG_OK;
}

static stg_error_t *close_parts(stg_sink_t *sink)
{
    parts_t *parts = (parts_t *)sink;
    stg_receipt_t *receipt = parts->spec.receipt;

    STG_TRY(check_size(parts));
    if (parts->part_count == 0) {
        STG_TRY(close_single(parts));
        parts->is_closed = 1;
        return STG_OK;
    }
    if (parts->filling)
        STG_TRY(hand_over(parts));
    STG_TRY(stg_part_queue_settle(parts->queue));
    receipt->size = parts->cut;
    receipt->is_finished = 0;
    receipt->etag = NULL;
    if (!parts->synced.has_own_etags)
        receipt->etag = stg_s3_etag_of_parts(
            (const unsigned char *)parts->synced.md5s->elts, parts->part_count,
            sink->pool);
    parts->is_closed = 1;
    return STG_OK;
}

static const stg_sink_class_t parts_class = {write_parts, close_parts};

/* Nothing may be on its way when an upload is aborted: first the parts that
 * are being sent give up, then the queue's cleanup waits for that, then what
 * was begun is undone. */
static apr_status_t cancel(void *data)
{
    parts_t *parts = data;

    if (!parts->is_closed)
        __atomic_store_n(&parts->upload.is_cancelled, 1, __ATOMIC_RELAXED);
    return APR_SUCCESS;
}

static apr_status_t undo(void *data)
{
    parts_t *parts = data;

    if (!parts->is_closed)
        stg_s3_upload_undo(&parts->upload);
    pthread_mutex_destroy(&parts->mutex);
    return APR_SUCCESS;
}

stg_error_t *stg_s3_parts_sink(stg_sink_t **sink, stg_s3_store_t *store,
                               const stg_object_spec_t *spec, apr_pool_t *p)
{
    parts_t *parts = apr_pcalloc(p, sizeof(*parts));

    parts->sink.cls = &parts_class;
    parts->sink.pool = p;
    STG_TRY(stg_s3_store_key(&parts->upload.key, store, spec->key, p));
    parts->store = parts->upload.store = store;
    parts->spec = *spec;
    parts->spec.key = apr_pstrdup(p, spec->key);
    parts->spec.content_type = apr_pstrdup(p, spec->content_type);
    parts->spec.token = apr_pstrdup(p, spec->token);
    parts->synced.md5s = apr_array_make(p, 16, STG_PART_MD5_BYTES);
    pthread_mutex_init(&parts->mutex, NULL);
    /* Cleanups run in the reverse order. */
    apr_pool_cleanup_register(p, parts, undo, apr_pool_cleanup_null);
    parts->queue = stg_part_queue_create(store->budget, store->store.parallel,
                                         send_part, parts, p);
    apr_pool_cleanup_register(p, parts, cancel, apr_pool_cleanup_null);
    *sink = &parts->sink;
    return STG_OK;
}
