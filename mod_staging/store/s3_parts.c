/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3_parts.h"
#include "store/s3_object.h"
#include "store/s3_upload.h"

#include <apr_strings.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define MIB ((apr_off_t)1024 * 1024)
#define MAX_PART_SIZE (5 * 1024 * MIB)

enum { GROWTH = 1200, KNOWN_PARTS = 9000 };

typedef enum state_t { FREE, FILLING, READY, SENDING } state_t;

typedef struct slot_t {
    stg_part_buffer_t *buffer;
    int number;    /* of the part, from 1 */
    state_t state; /* under the lock */
} slot_t;

typedef struct parts_t {
    stg_sink_t sink;
    stg_s3_upload_t upload;
    stg_s3_store_t *store;
    stg_object_spec_t spec;
    slot_t slots[STG_S3_MAX_PARALLEL + 1];
    int slot_count;
    slot_t *filling;
    apr_off_t cut; /* bytes in parts that were handed to the threads */
    int part_count;
    int is_closed;
    pthread_t threads[STG_S3_MAX_PARALLEL];
    int thread_count;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct {
        apr_array_header_t *md5s; /* STG_PART_MD5_BYTES each, by number */
        stg_error_t *failure;     /* lives in failure_pool */
        int has_own_etags;
        int is_ending;
    } synced;
    apr_pool_t *failure_pool;
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
    return needed > store->part_size ? needed : store->part_size;
}

/* --- the threads ---------------------------------------------------------- */

static slot_t *find_synced(parts_t *parts, state_t state)
{
    for (int i = 0; i < parts->slot_count; i++) {
        if (parts->slots[i].state == state)
            return &parts->slots[i];
    }
    return NULL;
}

static void note_synced(parts_t *parts, const slot_t *slot,
                        const stg_s3_part_t *part, const stg_error_t *err)
{
    if (err && !parts->synced.failure)
        parts->synced.failure = stg_error_copy(err, parts->failure_pool);
    if (err)
        return;
    if (part->has_own_etag)
        parts->synced.has_own_etags = 1;
    memcpy(parts->synced.md5s->elts + (slot->number - 1) * STG_PART_MD5_BYTES,
           part->md5, STG_PART_MD5_BYTES);
}

/* Called with the lock held; gives it away while sending. */
static void send_synced(parts_t *parts, slot_t *slot, apr_pool_t *p)
{
    stg_s3_part_t part = {.number = slot->number};
    stg_error_t *err;

    slot->state = SENDING;
    pthread_mutex_unlock(&parts->mutex);
    err = stg_s3_upload_part(&part, &parts->upload, slot->buffer, p);
    stg_part_buffer_clear(slot->buffer, 0);
    pthread_mutex_lock(&parts->mutex);
    note_synced(parts, slot, &part, err);
    slot->state = FREE;
    pthread_cond_broadcast(&parts->changed);
}

static void *run(void *data)
{
    parts_t *parts = data;
    apr_pool_t *p;
    slot_t *slot;

    if (apr_pool_create_unmanaged(&p) != APR_SUCCESS)
        abort();
    pthread_mutex_lock(&parts->mutex);
    for (;;) {
        slot = parts->synced.failure ? NULL : find_synced(parts, READY);
        if (slot) {
            send_synced(parts, slot, p);
            apr_pool_clear(p);
        } else if (parts->synced.is_ending || parts->synced.failure) {
            break;
        } else {
            pthread_cond_wait(&parts->changed, &parts->mutex);
        }
    }
    pthread_mutex_unlock(&parts->mutex);
    apr_pool_destroy(p);
    return NULL;
}

/* Signals are the host's affair: none is handled in these threads. */
static stg_error_t *start_thread(parts_t *parts)
{
    sigset_t all, old;
    int status;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    status =
        pthread_create(&parts->threads[parts->thread_count], NULL, run, parts);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (status == 0)
        parts->thread_count++;
    else if (parts->thread_count == 0)
        return stg_because_apr(
            stg_raise(parts->sink.pool, STG_E_BUSY, "no thread to be had"),
            parts->sink.pool, APR_FROM_OS_ERROR(status), "pthread_create");
    return STG_OK;
}

static void join_threads(parts_t *parts)
{
    pthread_mutex_lock(&parts->mutex);
    parts->synced.is_ending = 1;
    pthread_cond_broadcast(&parts->changed);
    pthread_mutex_unlock(&parts->mutex);
    for (int i = 0; i < parts->thread_count; i++)
        pthread_join(parts->threads[i], NULL);
    parts->thread_count = 0;
}

/* --- the sink ------------------------------------------------------------- */

static stg_error_t *failure_of(parts_t *parts)
{
    stg_error_t *failure;

    pthread_mutex_lock(&parts->mutex);
    failure = parts->synced.failure;
    pthread_mutex_unlock(&parts->mutex);
    return stg_error_copy(failure, parts->sink.pool);
}

/* A free slot to fill; waits for one while all parts are on their way. */
static stg_error_t *take_slot(parts_t *parts)
{
    slot_t *slot;

    pthread_mutex_lock(&parts->mutex);
    while (!parts->synced.failure && !(slot = find_synced(parts, FREE)))
        pthread_cond_wait(&parts->changed, &parts->mutex);
    if (!parts->synced.failure) {
        slot->state = FILLING;
        parts->filling = slot;
    }
    pthread_mutex_unlock(&parts->mutex);
    STG_TRY(failure_of(parts));
    stg_part_buffer_clear(
        parts->filling->buffer,
        stg_s3_part_size(first_size(parts->store, parts->spec.size),
                         parts->cut));
    return STG_OK;
}

/* Hand the part that is filled to the threads. */
static stg_error_t *hand_over(parts_t *parts)
{
    slot_t *slot = parts->filling;

    if (parts->part_count == 0)
        STG_TRY(stg_s3_upload_begin(&parts->upload, &parts->spec,
                                    parts->sink.pool));
    if (parts->thread_count < parts->store->parallel)
        STG_TRY(start_thread(parts));
    parts->cut += stg_part_buffer_size(slot->buffer);
    slot->number = ++parts->part_count;
    parts->filling = NULL;
    pthread_mutex_lock(&parts->mutex);
    memset(apr_array_push(parts->synced.md5s), 0, STG_PART_MD5_BYTES);
    slot->state = READY;
    pthread_cond_broadcast(&parts->changed);
    pthread_mutex_unlock(&parts->mutex);
    return STG_OK;
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
            STG_TRY(take_slot(parts));
        room = stg_part_buffer_room(parts->filling->buffer);
        if (room == 0) {
            STG_TRY(hand_over(parts));
            continue;
        }
        n = (apr_off_t)count < room ? count : (apr_size_t)room;
        STG_TRY(
            stg_part_buffer_add(parts->filling->buffer, bytes, n, sink->pool));
        bytes += n;
        count -= n;
    }
    return STG_OK;
}

static stg_error_t *check_size(const parts_t *parts)
{
    apr_off_t size = parts->cut;

    if (parts->filling)
        size += stg_part_buffer_size(parts->filling->buffer);
    if (parts->spec.size < 0 || size == parts->spec.size)
        return STG_OK;
    return stg_raise(parts->sink.pool, STG_E_STORE_FAILED,
                     "the object has not the size that was announced");
}

static stg_error_t *close_single(parts_t *parts)
{
    stg_receipt_t *receipt = parts->spec.receipt;

    if (!parts->filling)
        STG_TRY(take_slot(parts));
    STG_TRY(stg_s3_upload_single(&receipt->etag, &parts->upload, &parts->spec,
                                 parts->filling->buffer, parts->sink.pool));
    receipt->size = stg_part_buffer_size(parts->filling->buffer);
    receipt->is_finished = 1;
    stg_part_buffer_clear(parts->filling->buffer, 0);
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
    join_threads(parts);
    STG_TRY(failure_of(parts));
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

/* Nothing may be on its way when an upload is aborted: first the threads are
 * ended, in the midst of their parts, then what was begun is undone. */
static apr_status_t destroy(void *data)
{
    parts_t *parts = data;

    if (!parts->is_closed)
        __atomic_store_n(&parts->upload.is_cancelled, 1, __ATOMIC_RELAXED);
    join_threads(parts);
    if (!parts->is_closed)
        stg_s3_upload_undo(&parts->upload);
    pthread_cond_destroy(&parts->changed);
    pthread_mutex_destroy(&parts->mutex);
    apr_pool_destroy(parts->failure_pool);
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
    parts->slot_count = store->parallel + 1;
    for (int i = 0; i < parts->slot_count; i++)
        parts->slots[i].buffer = stg_part_buffer_create(store->budget, p);
    parts->synced.md5s = apr_array_make(p, 16, STG_PART_MD5_BYTES);
    if (apr_pool_create_unmanaged(&parts->failure_pool) != APR_SUCCESS)
        abort();
    pthread_mutex_init(&parts->mutex, NULL);
    pthread_cond_init(&parts->changed, NULL);
    /* Registered after the buffers, so that it runs before they go. */
    apr_pool_cleanup_register(p, parts, destroy, apr_pool_cleanup_null);
    *sink = &parts->sink;
    return STG_OK;
}
