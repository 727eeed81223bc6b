/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_CORE_WORKER_H
#define STG_CORE_WORKER_H

#include "core/gc.h"
#include "core/job.h"

/*
 * The background threads of a process: a housekeeper (renews the lease of the
 * node and the claims of running jobs), one for GC and a number of job
 * runners. In httpd they start in child_init and are joined when the child's
 * pool goes; `stagingctl worker` is the same in a process of its own. Signals
 * are blocked in them.
 */

typedef struct stg_worker_t stg_worker_t;

typedef struct stg_worker_options_t {
    const stg_job_kind_t *kinds; /* ended by a NULL kind */
    const stg_gc_step_t *steps;  /* ended by a NULL name */
    int job_threads;             /* 0: only the lease is renewed */
    int gc_interval;             /* seconds, jittered; 0: no GC here */
} stg_worker_options_t;

/* Start the threads; staging and options must live as long as they do.
 * staging->worker is set. Waits a second at most for the first lease, so that
 * requests find it. A pre-cleanup of p stops and joins the threads. */
stg_error_t *stg_worker_start(stg_worker_t **worker, stg_staging_t *staging,
                              const stg_worker_options_t *options,
                              apr_pool_t *p);

/* There is something to do now. Any thread; worker may be NULL. */
void stg_worker_wake(stg_worker_t *worker);

/* Ask them to end at the next safe point, which may be in the middle of a call
 * of a store; returns at once. The lease goes on being renewed until
 * stg_worker_join(), because requests may be running. worker may be NULL. */
void stg_worker_stop(stg_worker_t *worker);

/* Stop and wait for all threads, then retire the node. */
void stg_worker_join(stg_worker_t *worker);

#endif
