/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/sink.h"

#include <string.h>

typedef struct limit_sink_t {
    stg_sink_t sink;
    stg_sink_t *next;
    apr_off_t max;
    apr_off_t left;
} limit_sink_t;

static stg_error_t *limit_write(stg_sink_t *sink, const char *bytes,
                                apr_size_t count)
{
    limit_sink_t *limit = (limit_sink_t *)sink;

    if (count > (apr_uint64_t)limit->left)
        return stg_raise(sink->pool, STG_E_TOO_LARGE,
                         "more than %" APR_OFF_T_FMT " bytes", limit->max);
    limit->left -= (apr_off_t)count;
    return stg_sink_write(limit->next, bytes, count);
}

static stg_error_t *limit_close(stg_sink_t *sink)
{
    return stg_sink_close(((limit_sink_t *)sink)->next);
}

stg_sink_t *stg_limit_sink(stg_sink_t *next, apr_off_t max, apr_pool_t *p)
{
    static const stg_sink_class_t cls = {limit_write, limit_close};
    limit_sink_t *limit = apr_palloc(p, sizeof(*limit));

    *limit = (limit_sink_t){
        .sink = {.cls = &cls, .pool = p},
        .next = next,
        .max = max,
        .left = max,
    };
    return &limit->sink;
}

enum { FIRST_ROOM = 1024 };

struct stg_memory_sink_t {
    stg_sink_t sink;
    char *bytes;
    apr_size_t count;
    apr_size_t room; /* without the NUL */
    apr_size_t max;
};

/* Room doubles, so that the pool holds less than twice what is needed. */
static void make_room(stg_memory_sink_t *memory, apr_size_t needed)
{
    apr_size_t room = memory->room ? memory->room : FIRST_ROOM;
    char *bytes;

    while (room < needed)
        room *= 2;
    if (room > memory->max)
        room = memory->max;
    bytes = apr_palloc(memory->sink.pool, room + 1);
    memcpy(bytes, memory->bytes, memory->count);
    memory->bytes = bytes;
    memory->room = room;
}

static stg_error_t *memory_write(stg_sink_t *sink, const char *bytes,
                                 apr_size_t count)
{
    stg_memory_sink_t *memory = (stg_memory_sink_t *)sink;

    if (!count)
        return STG_OK;
    if (count > memory->max - memory->count)
        return stg_raise(sink->pool, STG_E_TOO_LARGE,
                         "more than %" APR_SIZE_T_FMT " bytes", memory->max);
    if (count > memory->room - memory->count)
        make_room(memory, memory->count + count);
    memcpy(memory->bytes + memory->count, bytes, count);
    memory->count += count;
    memory->bytes[memory->count] = '\0';
    return STG_OK;
}

static stg_error_t *memory_close(stg_sink_t *sink)
{
    (void)sink;
    return STG_OK;
}

stg_memory_sink_t *stg_memory_sink_create(apr_size_t max, apr_pool_t *p)
{
    static const stg_sink_class_t cls = {memory_write, memory_close};
    stg_memory_sink_t *memory = apr_palloc(p, sizeof(*memory));

    *memory = (stg_memory_sink_t){
        .sink = {.cls = &cls, .pool = p},
        .bytes = apr_pcalloc(p, 1),
        .max = max,
    };
    return memory;
}

stg_sink_t *stg_memory_sink(stg_memory_sink_t *memory)
{
    return &memory->sink;
}

const char *stg_memory_sink_text(stg_memory_sink_t *memory, apr_size_t *count)
{
    if (count)
        *count = memory->count;
    return memory->bytes;
}
