/* SPDX-License-Identifier: Apache-2.0 */
#include "core/part_pipe.h"

#include "base/crash.h"

#include <apr_strings.h>

#include <string.h>

static stg_part_record_t *record_synced(stg_part_pipe_t *pipe, int index)
{
    return &APR_ARRAY_IDX(pipe->synced.records, index - pipe->synced.forgotten,
                          stg_part_record_t);
}

static stg_error_t *etag_note(stg_part_pipe_t *pipe, int index,
                              const char *etag, apr_pool_t *p)
{
    if (!etag)
        return STG_OK;
    if (strlen(etag) >= ETAG_SIZE)
        return stg_raise(p, STG_E_STORE_FAILED,
                         "the store's answer cannot be kept");
    apr_thread_mutex_lock(pipe->mutex);
    apr_cpystrn(record_synced(pipe, index)->etag, etag, ETAG_SIZE);
    apr_thread_mutex_unlock(pipe->mutex);
    return STG_OK;
}

stg_unfinished_t stg_part_pipe_unfinished(const stg_part_pipe_t *pipe)
{
    return (stg_unfinished_t){.key = pipe->key,
                              .parts_id = pipe->upload->parts_id,
                              .size = -1,
                              .token = pipe->upload->object};
}

static stg_error_t *put(stg_part_pipe_t *pipe, int index,
                        const stg_part_buffer_t *buffer, apr_pool_t *p)
{
    const stg_unfinished_t what = stg_part_pipe_unfinished(pipe);
    stg_store_t *store = pipe->plan.store;
    stg_part_record_t record;
    stg_stored_part_t part;

    apr_thread_mutex_lock(pipe->mutex);
    record = *record_synced(pipe, index);
    apr_thread_mutex_unlock(pipe->mutex);
    part = (stg_stored_part_t){.number = record.number,
                               .segment = record.segment,
                               .first = record.first,
                               .size = record.size};
    STG_CRASH_POINT("part-send");
    STG_TRY(store->driver->put_part(&part, store, &what, buffer, p));
    STG_CRASH_POINT("part-sent");
    return etag_note(pipe, index, part.etag, p);
}

/* What the store has lost comes back by no repetition. */
static stg_error_t *store_failed(const stg_part_pipe_t *pipe, stg_error_t *err,
                                 apr_pool_t *p)
{
    if (!err)
        return STG_OK;
    __atomic_store_n(&pipe->upload->has_failed, 1, __ATOMIC_RELAXED);
    if (err->code != STG_E_NOT_FOUND)
        return err;
    return stg_because(
        stg_raise(p, STG_E_GONE, "the store has lost what had arrived"), p,
        "%s", stg_error_text(err, p));
}

stg_error_t *stg_part_pipe_send(void *context, int index,
                                const stg_part_buffer_t *buffer, apr_pool_t *p)
{
    stg_part_pipe_t *pipe = context;

    return store_failed(pipe, put(pipe, index, buffer, p), p);
}

stg_error_t *stg_part_pipe_sync(const stg_part_pipe_t *pipe, apr_pool_t *p)
{
    const stg_unfinished_t what = stg_part_pipe_unfinished(pipe);
    stg_store_t *store = pipe->plan.store;

    return store_failed(
        pipe, store->driver->sync_parts(store, &what, pipe->upload->segment, p),
        p);
}

stg_part_record_t *stg_part_pipe_neighbour(const stg_part_pipe_t *pipe)
{
    const apr_array_header_t *all = pipe->synced.records;

    if (pipe->plan.store->parallel || !all->nelts)
        return NULL;
    return &APR_ARRAY_IDX(all, all->nelts - 1, stg_part_record_t);
}

void stg_part_pipe_join(stg_part_pipe_t *pipe)
{
    apr_array_header_t *all = pipe->synced.records;
    const stg_part_record_t *last = stg_part_pipe_neighbour(pipe);

    if (!last || all->nelts < 2 || last[-1].number != last->number)
        return;
    APR_ARRAY_IDX(all, all->nelts - 2, stg_part_record_t).size += last->size;
    all->nelts--;
    pipe->synced.forgotten++;
}

void stg_part_pipe_record(stg_part_pipe_t *pipe, int number)
{
    stg_part_record_t *record;

    apr_thread_mutex_lock(pipe->mutex);
    record = apr_array_push(pipe->synced.records);
    *record = (stg_part_record_t){.number = number,
                                  .segment = pipe->upload->segment,
                                  .first = pipe->filled_from,
                                  .size = stg_part_pipe_rest(pipe)};
    apr_thread_mutex_unlock(pipe->mutex);
}

/* In order: what was sent first counts from the beginning. */
stg_part_record_t *stg_part_pipe_sent(int *count, stg_part_pipe_t *pipe,
                                      apr_off_t offset, apr_pool_t *p)
{
    int sent = stg_part_queue_sent(pipe->queue);
    const apr_array_header_t *all = pipe->synced.records;
    stg_part_record_t *records;

    *count = 0;
    apr_thread_mutex_lock(pipe->mutex);
    for (int i = 0; i < all->nelts; i++) {
        const stg_part_record_t *one =
            &APR_ARRAY_IDX(all, i, stg_part_record_t);

        if (pipe->synced.forgotten + i >= sent ||
            one->first + one->size > offset)
            break;
        ++*count;
    }
    records = apr_pmemdup(p, all->elts,
                          (apr_size_t)*count * sizeof(stg_part_record_t));
    apr_thread_mutex_unlock(pipe->mutex);
    return records;
}

/* The array keeps its room. */
void stg_part_pipe_forget(stg_part_pipe_t *pipe, int count)
{
    apr_array_header_t *all = pipe->synced.records;

    apr_thread_mutex_lock(pipe->mutex);
    all->nelts -= count;
    pipe->synced.forgotten += count;
    memmove(all->elts,
            all->elts + (apr_size_t)count * sizeof(stg_part_record_t),
            (apr_size_t)all->nelts * sizeof(stg_part_record_t));
    apr_thread_mutex_unlock(pipe->mutex);
}
