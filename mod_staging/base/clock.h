/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_BASE_CLOCK_H
#define STG_BASE_CLOCK_H

#include <apr_pools.h>
#include <apr_time.h>

/* Wall-clock time in microseconds since 1970, UTC. */
apr_time_t stg_clock_now(void);

/* For tests: freeze the clock at this time; 0 lets it run again. */
void stg_clock_freeze(apr_time_t at);

/* Microseconds of a clock that only goes forward: for deadlines. */
apr_time_t stg_clock_monotonic(void);

/* RFC 3339 in UTC, whole seconds: "2026-11-20T23:46:00Z". */
const char *stg_clock_rfc3339(apr_time_t t, apr_pool_t *p);

#endif
