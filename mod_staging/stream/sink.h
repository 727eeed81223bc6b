/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STREAM_SINK_H
#define STG_STREAM_SINK_H

#include "base/error.h"

#include <apr_pools.h>

/*
 * Bytes move through sinks. write() takes all or fails, and has finished
 * with the bytes when it returns. close() commits. A sink that is not closed
 * leaves nothing: its pool's cleanup undoes what was begun. After a failure
 * of either nothing but the cleanup may follow. A sink belongs to one thread
 * at a time; threads that it starts itself are its own affair.
 *
 * A sink that forwards to another closes that one in its own close().
 * Errors live in the sink's pool.
 */

typedef struct stg_sink_t stg_sink_t;

typedef struct stg_sink_class_t {
    stg_error_t *(*write)(stg_sink_t *sink, const char *bytes,
                          apr_size_t count);
    stg_error_t *(*close)(stg_sink_t *sink);
} stg_sink_class_t;

/* Concrete sinks begin with this. */
struct stg_sink_t {
    const stg_sink_class_t *cls;
    apr_pool_t *pool;
};

static inline stg_error_t *stg_sink_write(stg_sink_t *sink, const char *bytes,
                                          apr_size_t count)
{
    return sink->cls->write(sink, bytes, count);
}

static inline stg_error_t *stg_sink_close(stg_sink_t *sink)
{
    return sink->cls->close(sink);
}

/* A sink that passes on at most max bytes and fails with TOO_LARGE beyond. */
stg_sink_t *stg_limit_sink(stg_sink_t *next, apr_off_t max, apr_pool_t *p);

/* A sink that collects at most max bytes in memory, for small documents.
 * Beyond max it fails with TOO_LARGE. */
typedef struct stg_memory_sink_t stg_memory_sink_t;
stg_memory_sink_t *stg_memory_sink_create(apr_size_t max, apr_pool_t *p);
stg_sink_t *stg_memory_sink(stg_memory_sink_t *memory);

/* What was written so far, NUL-terminated; valid until the next write. count
 * may be NULL. */
const char *stg_memory_sink_text(stg_memory_sink_t *memory, apr_size_t *count);

#endif
