/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_T_UNIT_STREAM_CHECK_H
#define STG_T_UNIT_STREAM_CHECK_H

#include "stream/sink.h"

#include <dirent.h>
#include <unistd.h>

/* A sink that remembers whether it was closed and fails on demand. */
typedef struct stg_probe_sink_t {
    stg_sink_t sink;
    stg_memory_sink_t *memory;
    apr_size_t fail_after; /* bytes; 0 = never */
    apr_size_t writes;
    int is_closed;
} stg_probe_sink_t;

static inline stg_error_t *stg_probe_write(stg_sink_t *sink, const char *bytes,
                                           apr_size_t count)
{
    stg_probe_sink_t *probe = (stg_probe_sink_t *)sink;
    apr_size_t before;

    probe->writes++;
    stg_memory_sink_text(probe->memory, &before);
    if (probe->fail_after && before + count > probe->fail_after)
        return stg_raise(sink->pool, STG_E_NO_SPACE, "as told");
    return stg_sink_write(stg_memory_sink(probe->memory), bytes, count);
}

static inline stg_error_t *stg_probe_close(stg_sink_t *sink)
{
    ((stg_probe_sink_t *)sink)->is_closed++;
    return STG_OK;
}

static inline stg_probe_sink_t *stg_probe_create(apr_pool_t *p)
{
    static const stg_sink_class_t cls = {stg_probe_write, stg_probe_close};
    stg_probe_sink_t *probe = apr_pcalloc(p, sizeof(*probe));

    probe->sink = (stg_sink_t){.cls = &cls, .pool = p};
    probe->memory = stg_memory_sink_create(64 << 20, p);
    return probe;
}

/* Those of this process. One that was joined may still be counted, before as
 * well as after. */
static inline int stg_threads_running(void)
{
    DIR *folder = opendir("/proc/self/task");
    int count = -2; /* "." and ".." */

    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static inline int stg_threads_are_gone(int before)
{
    for (int i = 0; i < 5000 && stg_threads_running() > before; i++)
        usleep(1000);
    return stg_threads_running() <= before;
}

#endif
