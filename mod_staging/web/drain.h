/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_WEB_DRAIN_H
#define STG_WEB_DRAIN_H

#include "base/error.h"
#include "web/waker.h"

#include <apr_time.h>

/*
 * The end of what a process is still receiving some time after it was told to
 * end (StagingDrain). Whoever gets bytes then, or waits for a store, notices
 * by himself; the others, whose clients are silent, are woken a second later
 * by the end of their connections' receiving side. Answers still go out.
 *
 * What has come may still have to be stored, if it is not to be sent again:
 * there is a last time for that, too.
 *
 * Over HTTP/2 a connection is shared: silent clients are left to Timeout.
 */

typedef struct stg_drain_t stg_drain_t;

/* after: from stg_drain_begin() to the end; 0: never. NULL if there is no
 * thread to be had. */
stg_drain_t *stg_drain_create(apr_interval_time_t after, apr_pool_t *p);

/* The process was told to end. Returns at once. */
void stg_drain_begin(stg_drain_t *drain);

/* Turns true, atomically, when the time is over. */
const int *stg_drain_flag(const stg_drain_t *drain);
int stg_drain_is_over(const stg_drain_t *drain);

/* The same for what was still to be stored then: 8 seconds later. */
const int *stg_drain_last_flag(const stg_drain_t *drain);

/* BUSY if the time is over; the connection is closed after the answer. */
stg_error_t *stg_drain_check(const stg_drain_t *drain, request_rec *r);

/* From now on the request of r waits for its client; until leave. */
typedef struct stg_drain_wait_t {
    stg_drain_t *drain;
    stg_waker_t waker;
    struct stg_drain_wait_t *next;
} stg_drain_wait_t;

void stg_drain_enter(stg_drain_wait_t *wait, stg_drain_t *drain,
                     const request_rec *r);
void stg_drain_leave(stg_drain_wait_t *wait);

#endif
