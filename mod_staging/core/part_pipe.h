/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_CORE_PART_PIPE_H
#define STG_CORE_PART_PIPE_H

#include "core/part_row.h"
#include "store/part_queue.h"

#include <apr_thread_mutex.h>

/*
 * The way of the bytes of one request:
 *
 *     cutter -> digest -> filler -> part buffer -> queue -> the store
 *
 * The digest keeps blocks back, so the filler lags behind the cutter; where
 * the cutter has made a snapshot, once a second and at the end of a part, all
 * have met. What is complete up to a snapshot can be promised.
 */

typedef struct stg_part_snapshot_t {
    int is_there;
    apr_off_t offset;
    const char *digests;
    apr_pool_t *pool;
} stg_part_snapshot_t;

/* Behind the digest. */
typedef struct stg_part_filler_t {
    stg_sink_t sink;
    struct stg_part_pipe_t *pipe;
} stg_part_filler_t;

typedef struct stg_part_pipe_t {
    stg_sink_t cutter;
    stg_part_filler_t filler;
    stg_part_upload_t *upload;
    stg_transfer_plan_t plan;
    apr_pool_t *pool; /* of all that is under way */
    apr_off_t limit;  /* of the whole */
    apr_off_t received;
    apr_off_t cut; /* where the part begins that is being received */
    int has_last;  /* the last byte of a declared size waits for close */
    char last;
    int is_closed;
    stg_digest_t *digest;
    stg_part_queue_t *queue;
    stg_part_buffer_t *buffer; /* NULL: to be taken */
    apr_off_t filled_from;     /* first byte of the buffer */
    int given;                 /* parts, to the queue */
    const char *key;
    stg_part_snapshot_t snapshot;
    apr_time_t next_snapshot;
    apr_thread_mutex_t *mutex;
    struct {
        apr_array_header_t *records; /* of stg_part_record_t */
        int forgotten;               /* before the first of records */
    } synced;
} stg_part_pipe_t;

stg_error_t *stg_part_pipe_open(stg_part_pipe_t **pipe,
                                stg_part_upload_t *upload,
                                const stg_transfer_plan_t *plan);

/* Hand on what the digest keeps back; *digests say where it is. */
stg_error_t *stg_part_pipe_flush(const char **digests, stg_part_pipe_t *pipe,
                                 apr_pool_t *p);

/* Bytes in the buffer: behind the last part that was given. */
apr_off_t stg_part_pipe_rest(const stg_part_pipe_t *pipe);

/* What is in the buffer is a part. */
stg_error_t *stg_part_pipe_give(stg_part_pipe_t *pipe, apr_pool_t *p);

/* Wait until all that was given has been sent. */
stg_error_t *stg_part_pipe_settle(stg_part_pipe_t *pipe, apr_pool_t *p);

/* Promise as much as was sent before the snapshot, if all of it was. */
stg_error_t *stg_part_pipe_progress(stg_part_pipe_t *pipe);

void stg_part_pipe_close(stg_part_pipe_t *pipe);

/* --- part_sent.c: what has gone to the store, and what is known of it ----- */

stg_unfinished_t stg_part_pipe_unfinished(const stg_part_pipe_t *pipe);

/* A record of what is in the buffer, before it is given. */
void stg_part_pipe_record(stg_part_pipe_t *pipe, int number);

/* The queue's: the part of this index. */
stg_part_send_fn_t stg_part_pipe_send;

/* Where none waits for the store, the part before goes on until it becomes a
 * row: NULL if there is none, or the store is another. */
stg_part_record_t *stg_part_pipe_neighbour(const stg_part_pipe_t *pipe);

/* What was sent under the number of the part before it belongs to that. */
void stg_part_pipe_join(stg_part_pipe_t *pipe);

/* What was sent until now is durable. */
stg_error_t *stg_part_pipe_sync(const stg_part_pipe_t *pipe, apr_pool_t *p);

/* A copy of the records of parts that end at offset at most and have been
 * sent; *count. */
stg_part_record_t *stg_part_pipe_sent(int *count, stg_part_pipe_t *pipe,
                                      apr_off_t offset, apr_pool_t *p);

/* The first count of them are rows now. */
void stg_part_pipe_forget(stg_part_pipe_t *pipe, int count);

#endif
