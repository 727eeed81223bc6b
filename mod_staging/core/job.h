/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_CORE_JOB_H
#define STG_CORE_JOB_H

#include "core/staging.h"

/*
 * Work that can outlive a request: a row, inserted in the same statement as
 * its cause. Claimed with SKIP LOCKED under a lease; each claim raises the
 * fence, and every effect is conditional on it, so that a worker that lost
 * its claim changes nothing.
 */

enum {
    /* Also how long a job waits whose claim, or end, was lost on the way
     * between a living node and the database. */
    STG_JOB_LEASE_SECONDS = 60,
    STG_JOB_MAX_ATTEMPTS = 12 /* then it is parked */
};

typedef struct stg_job_t {
    apr_int64_t id;
    const char *kind;
    const char *subject;
    apr_int64_t fence;
    int attempts; /* this one included */
} stg_job_t;

/* Does the work. Idempotent: it may run again after any crash. The effect
 * that ends the job must delete its row in the same statement, if the fence
 * still holds. Transient errors (STORE_DOWN, DB_DOWN, BUSY, NO_SPACE) are
 * tried again for ever, others STG_JOB_MAX_ATTEMPTS times; those with a
 * status below 500 say that no attempt can help. */
typedef stg_error_t *stg_job_fn_t(stg_staging_t *staging, const stg_job_t *job,
                                  apr_pool_t *p);

typedef struct stg_job_kind_t {
    const char *kind;
    stg_job_fn_t *run;
    /* Called when no attempt can help any more, before it is parked. May be
     * NULL. May end the job itself by deleting its row. */
    stg_error_t *(*give_up)(stg_staging_t *staging, const stg_job_t *job,
                            const stg_error_t *why, apr_pool_t *p);
} stg_job_kind_t;

/* Claim one due job of these kinds (ended by a NULL kind) for this node, which
 * must have its row; *job = NULL if there is none. A claim counts as an
 * attempt even if the process then dies, so attempts may exceed the most. */
stg_error_t *stg_job_claim(stg_job_t **job, stg_staging_t *staging,
                           const stg_job_kind_t *kinds, apr_pool_t *p);

/* Hold on to the claim; *is_ours = 0 if another worker has it. */
stg_error_t *stg_job_extend(int *is_ours, stg_staging_t *staging,
                            const stg_job_t *job, apr_pool_t *p);

/* Does why say that something was not to be had for a while? Such failures
 * never lead to giving up. */
int stg_job_is_transient(const stg_error_t *why);

/* Is there no use in another attempt? */
int stg_job_is_hopeless(const stg_job_t *job, const stg_error_t *why);

/* Run a claimed job, and retry or give up when it fails, which is logged here.
 * Fails only if the database could not be told. */
stg_error_t *stg_job_attempt(stg_staging_t *staging, const stg_job_kind_t *kind,
                             const stg_job_t *job, apr_pool_t *p);

/* Try again later (full jitter, 1 s doubling to 5 min), or park. Both do
 * nothing if the claim was lost. */
stg_error_t *stg_job_retry(stg_staging_t *staging, const stg_job_t *job,
                           const stg_error_t *why, apr_pool_t *p);
stg_error_t *stg_job_park(stg_staging_t *staging, const stg_job_t *job,
                          const stg_error_t *why, apr_pool_t *p);

/* Let a parked job try again, at once. NOT_FOUND; CONFLICT if it is not
 * parked. */
stg_error_t *stg_job_unpark(stg_staging_t *staging, const char *id,
                            apr_pool_t *p);

#endif
