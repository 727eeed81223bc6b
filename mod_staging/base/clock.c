/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <apr_strings.h>

#include <stdatomic.h>
#include <time.h>

static _Atomic apr_time_t frozen_at;

apr_time_t stg_clock_now(void)
{
    apr_time_t frozen = atomic_load(&frozen_at);

    return frozen ? frozen : apr_time_now();
}

void stg_clock_freeze(apr_time_t at)
{
    atomic_store(&frozen_at, at);
}

apr_time_t stg_clock_monotonic(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000;
}

const char *stg_clock_rfc3339(apr_time_t t, apr_pool_t *p)
{
    apr_time_exp_t at;

    apr_time_exp_gmt(&at, t);
    return apr_psprintf(p, "%04d-%02d-%02dT%02d:%02d:%02dZ", at.tm_year + 1900,
                        at.tm_mon + 1, at.tm_mday, at.tm_hour, at.tm_min,
                        at.tm_sec);
}
