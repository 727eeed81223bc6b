/* SPDX-License-Identifier: Apache-2.0 */
#include "core/part_upload.h"

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "core/node.h"
#include "core/part_tail.h"

#include <apr_strings.h>

#define MIB ((apr_off_t)1024 * 1024)
#define PATIENCE apr_time_from_sec(3)
#define POLL_EVERY apr_time_from_msec(50)

enum { KNOWN_PARTS = 9000 };

apr_off_t stg_part_upload_part_size(const stg_store_t *store, apr_off_t size,
                                    apr_off_t max_size)
{
    apr_off_t most = size >= 0 ? size : max_size;
    apr_off_t needed = 0;

    if (store->most_parts && most > 0)
        needed = (most / KNOWN_PARTS + MIB - 1) / MIB * MIB;
    return needed > store->part_size ? needed : store->part_size;
}

/* --- to have it and to let go --------------------------------------------- */

/* One try; *hold says why it came to nothing. */
static stg_error_t *take_once(stg_part_hold_t *hold, stg_part_upload_t *upload,
                              int is_forced, apr_pool_t *p)
{
    STG_TRY(stg_part_row_take(&upload->is_held, upload, is_forced, p));
    return upload->is_held ? STG_OK : stg_part_row_want(hold, upload, p);
}

/* Until it is ours. An orphan is not waited for. */
static stg_error_t *take(stg_part_upload_t *upload)
{
    apr_time_t deadline = stg_clock_monotonic() + PATIENCE;
    stg_part_hold_t hold = STG_PART_FREE;
    stg_error_t *err = STG_OK;
    int is_late = 0;
    apr_pool_t *turn;

    apr_pool_create(&turn, upload->pool);
    while (!err && !upload->is_held) {
        if (hold == STG_PART_HELD)
            apr_sleep(POLL_EVERY);
        apr_pool_clear(turn);
        err = take_once(&hold, upload, hold == STG_PART_HELD && is_late, turn);
        is_late = stg_clock_monotonic() >= deadline;
    }
    err = stg_error_copy(err, upload->pool);
    apr_pool_destroy(turn);
    return err;
}

static apr_status_t let_go(void *data)
{
    stg_part_upload_release(data);
    return APR_SUCCESS;
}

static stg_error_t *check_lease(const stg_part_upload_t *upload)
{
    if (stg_node_is_alive(upload->staging->node))
        return STG_OK;
    return stg_because(
        stg_raise(upload->pool, STG_E_BUSY,
                  "the server has lost its database for a while"),
        upload->pool, "the lease of the node has run out");
}

stg_error_t *stg_part_upload_take(stg_part_upload_t **upload,
                                  stg_staging_t *staging, const char *object,
                                  apr_pool_t *p)
{
    stg_part_upload_t *made = apr_pcalloc(p, sizeof(*made));
    stg_error_t *err;

    made->staging = staging;
    made->pool = p;
    made->object = apr_pstrdup(p, object);
    made->node = apr_pstrdup(p, stg_node_id(staging->node));
    made->transfer.object = made->object;
    apr_pool_create(&made->digests_pool, p);
    STG_TRY(check_lease(made));
    stg_transfers_enter(staging->transfers, &made->transfer);
    err = take(made);
    if (err) {
        stg_transfers_leave(staging->transfers, &made->transfer);
        return err;
    }
    stg_transfers_taken(staging->transfers, &made->transfer, made->fence);
    apr_pool_pre_cleanup_register(p, made, let_go);
    *upload = made;
    return STG_OK;
}

/* After all that it has begun has ended. If the database does not hear of it
 * now, the thread of the transfers tells it later. Whether what is whole is
 * kept, its row decides. */
void stg_part_upload_release(stg_part_upload_t *upload)
{
    stg_error_t *err;
    apr_pool_t *p;

    if (!upload->is_held)
        return;
    upload->is_held = 0;
    stg_part_upload_drop(upload);
    if (upload->whole)
        stg_object_discard(upload->whole);
    apr_pool_create(&p, upload->pool);
    err = stg_part_row_release(upload, p);
    if (err)
        stg_log(STG_LOG_INFO, "part upload %s is released later: %s",
                upload->object, stg_error_text(err, p));
    apr_pool_destroy(p);
    stg_transfers_leave(upload->staging->transfers, &upload->transfer);
    apr_pool_cleanup_kill(upload->pool, upload, let_go);
}

void stg_part_upload_ended(stg_part_upload_t *upload)
{
    upload->whole = NULL;
    stg_part_upload_release(upload);
}

stg_transfer_t *stg_part_upload_transfer(stg_part_upload_t *upload)
{
    return &upload->transfer;
}

int stg_part_upload_is_wanted(const stg_part_upload_t *upload)
{
    return __atomic_load_n(&upload->transfer.is_wanted, __ATOMIC_RELAXED);
}

apr_off_t stg_part_upload_offset(const stg_part_upload_t *upload)
{
    return upload->acknowledged;
}

apr_off_t stg_part_upload_size(const stg_part_upload_t *upload)
{
    return upload->size;
}

apr_time_t stg_part_upload_expires(const stg_part_upload_t *upload)
{
    return upload->expires;
}

const char *stg_part_upload_fence(const stg_part_upload_t *upload)
{
    return upload->fence;
}

stg_error_t *stg_part_upload_declare(stg_part_upload_t *upload, apr_off_t size,
                                     const stg_quota_t *quota)
{
    stg_quota_t rest = *quota;

    if (upload->size == size)
        return STG_OK;
    if (upload->size >= 0)
        return stg_raise(upload->pool, STG_E_INVALID,
                         "the size of the upload was declared already");
    if (size < upload->acknowledged)
        return stg_raise(upload->pool, STG_E_INVALID,
                         "more bytes have arrived than the upload is to have");
    rest.more = size - upload->acknowledged;
    STG_TRY(stg_part_row_declare(upload, size, &rest, upload->pool));
    upload->size = size;
    return STG_OK;
}

/* --- bytes ---------------------------------------------------------------- */

static stg_error_t *open_pipe(stg_part_upload_t *upload,
                              const stg_transfer_plan_t *plan)
{
    stg_error_t *err;
    apr_pool_t *turn;

    if (upload->pipe)
        return STG_OK;
    apr_pool_create(&turn, upload->pool);
    err = stg_error_copy(stg_part_row_open(upload, turn), upload->pool);
    if (!err)
        err = stg_part_pipe_open(&upload->pipe, upload, plan);
    if (!err)
        err = stg_error_copy(stg_part_tail_read(upload->pipe, turn),
                             upload->pool);
    apr_pool_destroy(turn);
    if (err)
        stg_part_upload_drop(upload);
    return err;
}

stg_error_t *stg_part_upload_open(stg_sink_t **sink, stg_part_upload_t *upload,
                                  const stg_transfer_plan_t *plan)
{
    STG_TRY(open_pipe(upload, plan));
    *sink = &upload->pipe->cutter;
    return STG_OK;
}

void stg_part_upload_drop(stg_part_upload_t *upload)
{
    if (upload->pipe)
        stg_part_pipe_close(upload->pipe);
    upload->pipe = NULL;
}

/* Where the store takes parts of any size, the rest is one. */
static stg_error_t *rest_give(stg_part_pipe_t *pipe, apr_pool_t *p)
{
    if (!stg_part_pipe_rest(pipe))
        return STG_OK;
    pipe->cut = pipe->received;
    return stg_part_pipe_give(pipe, p);
}

static stg_error_t *commit_promise(stg_part_pipe_t *pipe,
                                   stg_part_promise_t *promise, apr_pool_t *p)
{
    stg_object_t *tail = NULL;
    stg_error_t *err;

    if (stg_part_pipe_rest(pipe))
        STG_TRY(stg_part_tail_store(&promise->tail, &tail, pipe, p));
    err = stg_part_row_commit(pipe->upload, promise, p);
    if (err && tail)
        stg_object_discard(tail);
    return err;
}

static stg_error_t *commit(stg_part_pipe_t *pipe, apr_pool_t *p)
{
    stg_part_promise_t promise = {.offset = pipe->received};

    STG_TRY(stg_part_pipe_flush(&promise.digests, pipe, p));
    if (!pipe->plan.store->least_part)
        STG_TRY(rest_give(pipe, p));
    STG_TRY(stg_part_pipe_settle(pipe, p));
    promise.parts = stg_part_pipe_sent(&promise.count, pipe, promise.offset, p);
    if (promise.count)
        STG_TRY(stg_part_pipe_sync(pipe, p));
    STG_TRY(commit_promise(pipe, &promise, p));
    stg_part_pipe_forget(pipe, promise.count);
    pipe->snapshot.is_there = 0;
    return STG_OK;
}

stg_error_t *stg_part_upload_commit(stg_part_upload_t *upload)
{
    stg_part_pipe_t *pipe = upload->pipe;
    stg_error_t *err;
    apr_pool_t *turn;

    if (!pipe || pipe->received == upload->acknowledged)
        return STG_OK;
    apr_pool_create(&turn, pipe->pool);
    err = stg_error_copy(commit(pipe, turn), upload->pool);
    apr_pool_destroy(turn);
    /* What was sent before the store failed need not be sent again. */
    if (err && pipe->snapshot.is_there)
        (void)stg_part_pipe_progress(pipe);
    return err;
}

/* --- the end -------------------------------------------------------------- */

static stg_error_t *settle(stg_part_upload_t *upload)
{
    stg_part_pipe_t *pipe = upload->pipe;

    STG_TRY(stg_sink_close(&pipe->cutter));
    STG_TRY(stg_error_copy(stg_digest_settle(pipe->digest), upload->pool));
    for (int i = 0; i < STG_ALGORITHMS; i++)
        upload->digest[i] =
            apr_pstrdup(upload->pool, stg_digest_hex(pipe->digest, i));
    upload->total = pipe->received;
    return STG_OK;
}

stg_error_t *stg_part_upload_settle(stg_part_upload_t *upload,
                                    const stg_transfer_plan_t *plan)
{
    STG_TRY(open_pipe(upload, plan));
    return settle(upload);
}

const char *stg_part_upload_digest(const stg_part_upload_t *upload,
                                   stg_algorithm_t algorithm)
{
    return upload->digest[algorithm];
}

static stg_error_t *store_parts(stg_part_pipe_t *pipe, apr_pool_t *p)
{
    const stg_part_record_t *parts;
    int count;

    STG_TRY(rest_give(pipe, p));
    STG_TRY(stg_part_pipe_settle(pipe, p));
    parts = stg_part_pipe_sent(&count, pipe, pipe->received, p);
    if (count)
        STG_TRY(stg_part_pipe_sync(pipe, p));
    return stg_part_row_complete(pipe->upload, parts, count, p);
}

stg_error_t *stg_part_upload_store(stg_part_upload_t *upload)
{
    stg_part_pipe_t *pipe = upload->pipe;
    int is_small = !pipe->given && !stg_part_row_parts_end(upload);
    stg_error_t *err;
    apr_pool_t *turn;

    STG_TRY(check_lease(upload));
    apr_pool_create(&turn, pipe->pool);
    err = is_small ? stg_part_tail_whole(pipe) : store_parts(pipe, turn);
    err = stg_error_copy(err, upload->pool);
    apr_pool_destroy(turn);
    return err;
}

const char *stg_part_upload_whole(const stg_part_upload_t *upload)
{
    return upload->whole ? stg_object_id(upload->whole) : NULL;
}

apr_off_t stg_part_upload_total(const stg_part_upload_t *upload)
{
    return upload->total;
}

const char *stg_part_upload_etag(const stg_part_upload_t *upload)
{
    return upload->whole ? stg_object_etag(upload->whole) : NULL;
}
