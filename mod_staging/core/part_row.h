/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_CORE_PART_ROW_H
#define STG_CORE_PART_ROW_H

#include "base/ids.h"
#include "core/part_upload.h"

#include <apr_tables.h>

/*
 * The inside of a part upload, for the files that make it up: part_upload.c
 * (what a request calls), part_row.c (the statements), part_pipe.c (bytes on
 * their way to parts), part_tail.c (bytes that become an object at once).
 */

enum { UUID_SIZE = 37, SHA256_SIZE = 65, ETAG_SIZE = 256 };

/* The bytes behind the last part, as an object of their own. */
typedef struct stg_part_tail_t {
    char id[UUID_SIZE]; /* "": none */
    char sha256[SHA256_SIZE];
    apr_off_t size;
} stg_part_tail_t;

/* A part that was given to the store, and is no row yet. */
typedef struct stg_part_record_t {
    int number;
    int segment;
    apr_off_t first;
    apr_off_t size;
    char etag[ETAG_SIZE]; /* "": none */
} stg_part_record_t;

struct stg_part_upload_t {
    stg_staging_t *staging;
    apr_pool_t *pool;
    stg_transfer_t transfer;
    const char *object;
    const char *node; /* ours when it was taken */
    const char *fence;
    const char *orphan; /* a fence of ours that no request has; or NULL */
    int is_held;
    int has_failed; /* atomic: the store may still be at work on a part */

    /* as of the row */
    apr_off_t size; /* -1: not declared */
    apr_off_t acknowledged;
    apr_off_t part_size;
    int segment;
    const char *digests; /* running, at acknowledged; NULL: none */
    apr_pool_t *digests_pool;
    int is_fresh; /* nobody had it before us */
    apr_time_t expires;
    stg_part_tail_t tail;
    const char *parts_id;

    /* numbers from next_part to before drawn are ours to use */
    int next_part;
    int drawn;

    struct stg_part_pipe_t *pipe; /* NULL: not open */
    apr_off_t total;
    const char *digest[STG_ALGORITHMS];
    struct stg_object_t *whole; /* all of it, before the rows say so */
};

/* The end of the last part that is promised. */
static inline apr_off_t stg_part_row_parts_end(const stg_part_upload_t *upload)
{
    return upload->acknowledged - upload->tail.size;
}

/* Take it if nobody has it who lives. *is_taken. */
stg_error_t *stg_part_row_take(int *is_taken, stg_part_upload_t *upload,
                               int is_forced, apr_pool_t *p);

/* Who has it. */
typedef enum stg_part_hold_t {
    STG_PART_FREE,
    STG_PART_HELD,
    STG_PART_ORPHAN /* this process, but none of its requests: the answer to
                     * one that took it, or released it, was lost */
} stg_part_hold_t;

/* Ask whoever has it to let go, here or elsewhere. NOT_FOUND. */
stg_error_t *stg_part_row_want(stg_part_hold_t *hold, stg_part_upload_t *upload,
                               apr_pool_t *p);

/* Fill in what only those who send bytes need. */
stg_error_t *stg_part_row_open(stg_part_upload_t *upload, apr_pool_t *p);

stg_error_t *stg_part_row_declare(stg_part_upload_t *upload, apr_off_t size,
                                  const stg_quota_t *rest, apr_pool_t *p);
stg_error_t *stg_part_row_begun(stg_part_upload_t *upload, const char *parts_id,
                                apr_pool_t *p);

/* So that next_part is ours. */
stg_error_t *stg_part_row_draw(stg_part_upload_t *upload, int ahead,
                               apr_pool_t *p);

/* A row for a tail. */
stg_error_t *stg_part_row_tail(stg_part_upload_t *upload, const char *tail,
                               const char *store, apr_pool_t *p);

/* Promised: bytes up to offset, in these parts (of stg_part_record_t, in
 * addition to those that are rows) and this tail, where the running digests
 * are these. */
typedef struct stg_part_promise_t {
    apr_off_t offset;
    const char *digests;
    stg_part_tail_t tail;
    const stg_part_record_t *parts;
    int count;
} stg_part_promise_t;

stg_error_t *stg_part_row_commit(stg_part_upload_t *upload,
                                 const stg_part_promise_t *promise,
                                 apr_pool_t *p);

/* These are the last parts; nothing is promised. */
stg_error_t *stg_part_row_complete(stg_part_upload_t *upload,
                                   const stg_part_record_t *parts, int count,
                                   apr_pool_t *p);

stg_error_t *stg_part_row_release(stg_part_upload_t *upload, apr_pool_t *p);

#endif
