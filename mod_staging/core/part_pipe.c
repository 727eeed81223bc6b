/* SPDX-License-Identifier: Apache-2.0 */
#include "core/part_pipe.h"

#include "base/clock.h"
#include "base/crash.h"

#include <apr_strings.h>

#include <string.h>

#define SNAPSHOT_EVERY apr_time_from_sec(1)

/* So many part numbers are drawn at once, where there are enough. */
enum { AHEAD = 8, AHEAD_OF_MANY = 1000, FIRST_RECORDS = 8 };

/* --- the filler ----------------------------------------------------------- */

static stg_error_t *parts_begun(void *context, const char *parts_id,
                                apr_pool_t *p)
{
    const stg_part_pipe_t *pipe = context;

    return stg_part_row_begun(pipe->upload, parts_id, p);
}

/* Parts may have been begun by somebody who promised nothing of them. */
static stg_error_t *leftover_remove(const stg_part_pipe_t *pipe, apr_pool_t *p)
{
    stg_unfinished_t what = stg_part_pipe_unfinished(pipe);

    if (!pipe->upload->parts_id)
        return STG_OK;
    what.is_object_kept = 1;
    return pipe->plan.store->driver->remove(pipe->plan.store, &what, 1, p);
}

/* A store without ids for what is unfinished gets the object's. */
static stg_error_t *parts_begin(stg_part_pipe_t *pipe, apr_pool_t *p)
{
    stg_part_upload_t *upload = pipe->upload;
    stg_store_t *store = pipe->plan.store;
    const stg_object_spec_t spec = {.key = pipe->key,
                                    .token = upload->object,
                                    .size = upload->size,
                                    .on_parts_begun = parts_begun,
                                    .context = pipe};

    if (pipe->given)
        return STG_OK;
    if (stg_part_row_parts_end(upload) > 0)
        return upload->parts_id
                   ? STG_OK
                   : stg_raise(p, STG_E_GONE,
                               "the store has lost what had arrived");
    STG_TRY(leftover_remove(pipe, p));
    upload->parts_id = NULL;
    STG_CRASH_POINT("part-upload-begin");
    STG_TRY(store->driver->begin_parts(store, &spec, p));
    return upload->parts_id ? STG_OK
                            : stg_part_row_begun(upload, upload->object, p);
}

static stg_error_t *number_take(int *number, stg_part_pipe_t *pipe,
                                apr_pool_t *p)
{
    stg_part_upload_t *upload = pipe->upload;
    int most = pipe->plan.store->most_parts;

    STG_TRY(stg_part_row_draw(upload, most ? AHEAD : AHEAD_OF_MANY, p));
    if (most && upload->next_part > most)
        return stg_raise(p, STG_E_TOO_LARGE,
                         "the upload came in more pieces than the store takes");
    *number = upload->next_part++;
    return STG_OK;
}

static stg_error_t *give(stg_part_pipe_t *pipe, apr_pool_t *p)
{
    apr_off_t size = stg_part_pipe_rest(pipe);
    const stg_part_record_t *neighbour;
    int number;

    STG_TRY(parts_begin(pipe, p));
    neighbour = stg_part_pipe_neighbour(pipe);
    if (neighbour)
        number = neighbour->number;
    else
        STG_TRY(number_take(&number, pipe, p));
    stg_part_pipe_record(pipe, number);
    pipe->given++;
    pipe->buffer = NULL;
    pipe->filled_from += size;
    STG_TRY(stg_part_queue_give(pipe->queue));
    stg_part_pipe_join(pipe);
    return STG_OK;
}

/* What is allocated for a part must not outlive it. */
stg_error_t *stg_part_pipe_give(stg_part_pipe_t *pipe, apr_pool_t *p)
{
    stg_error_t *err;
    apr_pool_t *turn;

    apr_pool_create(&turn, p);
    err = stg_error_copy(give(pipe, turn), p);
    apr_pool_destroy(turn);
    return err;
}

static stg_error_t *filler_write(stg_sink_t *sink, const char *bytes,
                                 apr_size_t count)
{
    stg_part_pipe_t *pipe = ((stg_part_filler_t *)sink)->pipe;

    while (count) {
        apr_off_t room;
        apr_size_t n;

        if (!pipe->buffer)
            STG_TRY(stg_part_queue_take(&pipe->buffer, pipe->queue,
                                        pipe->upload->part_size));
        room = stg_part_buffer_room(pipe->buffer);
        n = (apr_off_t)count < room ? count : (apr_size_t)room;
        STG_TRY(stg_part_buffer_add(pipe->buffer, bytes, n, sink->pool));
        bytes += n;
        count -= n;
        if (!stg_part_buffer_room(pipe->buffer))
            STG_TRY(stg_part_pipe_give(pipe, sink->pool));
    }
    return STG_OK;
}

static stg_error_t *filler_close(stg_sink_t *sink)
{
    (void)sink;
    return STG_OK;
}

static const stg_sink_class_t filler_class = {filler_write, filler_close};

/* --- the cutter ----------------------------------------------------------- */

static stg_error_t *snapshot_take(stg_part_pipe_t *pipe)
{
    stg_part_snapshot_t *snapshot = &pipe->snapshot;

    apr_pool_clear(snapshot->pool);
    STG_TRY(stg_digest_state(&snapshot->digests, pipe->digest, snapshot->pool));
    snapshot->offset = pipe->received;
    snapshot->is_there = 1;
    return STG_OK;
}

static int is_snapshot_due(const stg_part_pipe_t *pipe)
{
    return !pipe->plan.is_held_back && !pipe->is_closed &&
           !pipe->snapshot.is_there &&
           stg_clock_monotonic() >= pipe->next_snapshot;
}

static int is_progress_due(const stg_part_pipe_t *pipe)
{
    return pipe->snapshot.is_there &&
           stg_clock_monotonic() >= pipe->next_snapshot;
}

/* Up to the end of each part by itself. */
static stg_error_t *push(stg_part_pipe_t *pipe, const char *bytes,
                         apr_size_t count)
{
    apr_off_t part_size = pipe->upload->part_size;

    while (count) {
        apr_off_t left = pipe->cut + part_size - pipe->received;
        apr_size_t n = (apr_off_t)count < left ? count : (apr_size_t)left;

        STG_TRY(stg_sink_write(stg_digest_sink(pipe->digest), bytes, n));
        pipe->received += (apr_off_t)n;
        bytes += n;
        count -= n;
        if (pipe->received < pipe->cut + part_size)
            continue;
        pipe->cut = pipe->received;
        if (is_snapshot_due(pipe))
            STG_TRY(snapshot_take(pipe));
    }
    return STG_OK;
}

static stg_error_t *admit(const stg_part_pipe_t *pipe, apr_size_t count)
{
    apr_pool_t *p = pipe->cutter.pool;

    if (__atomic_load_n(&pipe->upload->transfer.is_wanted, __ATOMIC_RELAXED))
        return stg_raise(p, STG_E_TAKEN,
                         "a newer request has taken over this upload");
    if (pipe->limit - pipe->received - pipe->has_last < (apr_off_t)count)
        return stg_raise(p, STG_E_TOO_LARGE,
                         "there are more bytes than the upload may have");
    return STG_OK;
}

/* The byte that would make it whole is kept back until it is known that the
 * body was not cut. */
static stg_error_t *cutter_write(stg_sink_t *sink, const char *bytes,
                                 apr_size_t count)
{
    stg_part_pipe_t *pipe = (stg_part_pipe_t *)sink;

    STG_TRY(admit(pipe, count));
    if (count && pipe->received + (apr_off_t)count == pipe->upload->size) {
        pipe->last = bytes[--count];
        pipe->has_last = 1;
    }
    STG_TRY(stg_error_copy(push(pipe, bytes, count), sink->pool));
    return is_progress_due(pipe) ? stg_part_pipe_progress(pipe) : STG_OK;
}

static stg_error_t *cutter_close(stg_sink_t *sink)
{
    stg_part_pipe_t *pipe = (stg_part_pipe_t *)sink;

    pipe->is_closed = 1;
    if (!pipe->has_last)
        return STG_OK;
    pipe->has_last = 0;
    return stg_error_copy(push(pipe, &pipe->last, 1), sink->pool);
}

static const stg_sink_class_t cutter_class = {cutter_write, cutter_close};

/* --- what the others do with it ------------------------------------------- */

stg_error_t *stg_part_pipe_flush(const char **digests, stg_part_pipe_t *pipe,
                                 apr_pool_t *p)
{
    return stg_error_copy(stg_digest_state(digests, pipe->digest, p), p);
}

apr_off_t stg_part_pipe_rest(const stg_part_pipe_t *pipe)
{
    return pipe->buffer ? stg_part_buffer_size(pipe->buffer) : 0;
}

stg_error_t *stg_part_pipe_settle(stg_part_pipe_t *pipe, apr_pool_t *p)
{
    return stg_error_copy(stg_part_queue_settle(pipe->queue), p);
}

static stg_error_t *progress(stg_part_pipe_t *pipe, apr_pool_t *p)
{
    const stg_part_snapshot_t *snapshot = &pipe->snapshot;
    stg_part_promise_t promise = {.offset = snapshot->offset,
                                  .digests = snapshot->digests};
    apr_off_t end = stg_part_row_parts_end(pipe->upload);

    promise.parts =
        stg_part_pipe_sent(&promise.count, pipe, snapshot->offset, p);
    if (promise.count)
        end = promise.parts[promise.count - 1].first +
              promise.parts[promise.count - 1].size;
    if (end < snapshot->offset)
        return STG_OK;
    if (promise.count)
        STG_TRY(stg_part_pipe_sync(pipe, p));
    STG_TRY(stg_part_row_commit(pipe->upload, &promise, p));
    stg_part_pipe_forget(pipe, promise.count);
    pipe->snapshot.is_there = 0;
    pipe->next_snapshot = stg_clock_monotonic() + SNAPSHOT_EVERY;
    if (pipe->plan.on_progress)
        pipe->plan.on_progress(pipe->plan.context, promise.offset);
    return STG_OK;
}

static int is_passing(const stg_error_t *err)
{
    return err && (err->code == STG_E_DB_DOWN || err->code == STG_E_BUSY);
}

/* A database that is away for a moment costs nobody what is under way: the
 * last commit is the one that counts. */
stg_error_t *stg_part_pipe_progress(stg_part_pipe_t *pipe)
{
    apr_pool_t *p = pipe->cutter.pool;
    stg_error_t *err;
    apr_pool_t *turn;

    apr_pool_create(&turn, pipe->pool);
    err = progress(pipe, turn);
    if (is_passing(err)) {
        pipe->snapshot.is_there = 0;
        pipe->next_snapshot = stg_clock_monotonic() + SNAPSHOT_EVERY;
    }
    err = is_passing(err) ? STG_OK : stg_error_copy(err, p);
    apr_pool_destroy(turn);
    return err;
}

/* --- its life ------------------------------------------------------------- */

static apr_off_t limit_of(const stg_part_upload_t *upload, apr_off_t max_size)
{
    apr_off_t limit = max_size > 0 ? max_size : APR_INT64_MAX;

    return upload->size >= 0 && upload->size < limit ? upload->size : limit;
}

static stg_part_pipe_t *pipe_create(stg_part_upload_t *upload,
                                    const stg_transfer_plan_t *plan,
                                    apr_pool_t *p)
{
    stg_part_pipe_t *pipe = apr_pcalloc(p, sizeof(*pipe));

    pipe->cutter = (stg_sink_t){&cutter_class, upload->pool};
    pipe->filler = (stg_part_filler_t){{&filler_class, p}, pipe};
    pipe->upload = upload;
    pipe->plan = *plan;
    pipe->pool = p;
    pipe->limit = limit_of(upload, plan->max_size);
    pipe->received = upload->acknowledged;
    pipe->cut = pipe->filled_from = stg_part_row_parts_end(upload);
    pipe->key = stg_store_key(upload->object, p);
    pipe->next_snapshot = stg_clock_monotonic() + SNAPSHOT_EVERY;
    pipe->synced.records =
        apr_array_make(p, FIRST_RECORDS, sizeof(stg_part_record_t));
    apr_pool_create(&pipe->snapshot.pool, p);
    return pipe;
}

static stg_error_t *pipe_fill(stg_part_pipe_t *pipe)
{
    stg_part_upload_t *upload = pipe->upload;
    apr_pool_t *p = pipe->pool;
    stg_error_t *err;

    if (apr_thread_mutex_create(&pipe->mutex, APR_THREAD_MUTEX_DEFAULT, p))
        return stg_raise(p, STG_E_BUSY, "no lock is to be had");
    pipe->queue = stg_part_queue_create(upload->staging->parts,
                                        pipe->plan.store->parallel,
                                        stg_part_pipe_send, pipe, p);
    err = stg_digest_resume(&pipe->digest, &pipe->filler.sink,
                            pipe->plan.algorithms, upload->digests, p);
    if (!err || err->code != STG_E_INVALID)
        return err;
    return stg_because(stg_raise(p, STG_E_INTERNAL, "internal error"), p,
                       "the running digests of %s cannot be read",
                       upload->object);
}

stg_error_t *stg_part_pipe_open(stg_part_pipe_t **pipe,
                                stg_part_upload_t *upload,
                                const stg_transfer_plan_t *plan)
{
    stg_part_pipe_t *made;
    stg_error_t *err;
    apr_pool_t *p;

    apr_pool_create(&p, upload->pool);
    apr_pool_tag(p, "part_pipe");
    made = pipe_create(upload, plan, p);
    err = stg_error_copy(pipe_fill(made), upload->pool);
    if (err)
        apr_pool_destroy(p);
    else
        *pipe = made;
    return err;
}

void stg_part_pipe_close(stg_part_pipe_t *pipe)
{
    apr_pool_destroy(pipe->pool);
}
