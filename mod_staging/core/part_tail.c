/* SPDX-License-Identifier: Apache-2.0 */
#include "core/part_tail.h"

#include <apr_strings.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024 };

static stg_error_t *file_write(stg_sink_t *sink, int fd, apr_off_t size,
                               apr_pool_t *p)
{
    char *chunk = apr_palloc(p, CHUNK);
    apr_off_t done = 0;

    while (done < size) {
        ssize_t n = pread(fd, chunk, CHUNK, done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return stg_because_apr(
                stg_raise(p, STG_E_INTERNAL,
                          "what was received cannot be read again"),
                p, n ? APR_FROM_OS_ERROR(errno) : APR_EOF, "pread");
        if (n > size - done)
            n = size - done;
        STG_TRY(stg_sink_write(sink, chunk, (apr_size_t)n));
        done += n;
    }
    return STG_OK;
}

static stg_error_t *buffer_write(stg_sink_t *sink,
                                 const stg_part_buffer_t *buffer, apr_pool_t *p)
{
    apr_off_t size = buffer ? stg_part_buffer_size(buffer) : 0;
    const char *memory = size ? stg_part_buffer_memory(buffer) : NULL;

    if (!size)
        return STG_OK;
    return memory ? stg_sink_write(sink, memory, (apr_size_t)size)
                  : file_write(sink, stg_part_buffer_fd(buffer), size, p);
}

/* The buffer as the object of this id, whose row is there. */
static stg_error_t *buffer_store(stg_object_t **object,
                                 const stg_part_pipe_t *pipe, const char *id,
                                 apr_pool_t *p)
{
    const stg_object_plan_t plan = {.store = pipe->plan.store,
                                    .id = id,
                                    .size = stg_part_pipe_rest(pipe),
                                    .least = stg_part_pipe_rest(pipe),
                                    .algorithms = 1u << STG_SHA256};
    stg_staging_t *staging = pipe->upload->staging;
    stg_object_t *made;
    stg_error_t *err;

    STG_TRY(stg_object_receive(&made, staging, &plan, p));
    err = buffer_write(stg_object_sink(made), pipe->buffer, p);
    if (!err)
        err = stg_object_commit_whole(made);
    if (err)
        stg_object_discard(made);
    else
        *object = made;
    return err;
}

stg_error_t *stg_part_tail_store(stg_part_tail_t *tail, stg_object_t **object,
                                 stg_part_pipe_t *pipe, apr_pool_t *p)
{
    const char *id = stg_uuid_create(p);

    STG_TRY(stg_part_row_tail(pipe->upload, id, pipe->plan.store->name, p));
    STG_TRY(buffer_store(object, pipe, id, p));
    apr_cpystrn(tail->id, id, sizeof(tail->id));
    apr_cpystrn(tail->sha256, stg_object_digest(*object, STG_SHA256),
                sizeof(tail->sha256));
    tail->size = stg_object_size(*object);
    return STG_OK;
}

static stg_error_t *gone(const stg_part_tail_t *tail, const char *why,
                         apr_pool_t *p)
{
    return stg_because(
        stg_raise(p, STG_E_GONE, "the last bytes of the upload were lost"), p,
        "tail %s: %s", tail->id, why);
}

stg_error_t *stg_part_tail_read(stg_part_pipe_t *pipe, apr_pool_t *p)
{
    const stg_part_tail_t *tail = &pipe->upload->tail;
    stg_digest_t *digest =
        stg_digest_create(&pipe->filler.sink, 1u << STG_SHA256, p);
    stg_store_t *store = pipe->plan.store;
    stg_error_t *err;

    if (!tail->size)
        return STG_OK;
    err = store->driver->read(store, stg_store_key(tail->id, p), 0, tail->size,
                              stg_digest_sink(digest), p);
    if (err &&
        (err->code == STG_E_NOT_FOUND || err->code == STG_E_STORE_FAILED))
        return gone(tail, stg_error_text(err, p), p);
    STG_TRY(err);
    STG_TRY(stg_digest_settle(digest));
    return strcmp(stg_digest_hex(digest, STG_SHA256), tail->sha256)
               ? gone(tail, "the bytes have changed", p)
               : STG_OK;
}

/* In the pool of the upload: it outlives the pipe. */
stg_error_t *stg_part_tail_whole(stg_part_pipe_t *pipe)
{
    stg_part_tail_t tail;

    return stg_part_tail_store(&tail, &pipe->upload->whole, pipe,
                               pipe->upload->pool);
}
