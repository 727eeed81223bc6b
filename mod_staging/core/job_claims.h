/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_CORE_JOB_CLAIMS_H
#define STG_CORE_JOB_CLAIMS_H

#include "core/job.h"

/*
 * The jobs that the threads of one process have claimed, a slot for each
 * thread. The claims of a process are made one after another, so that what is
 * claimed in its name, but by none of its threads, is known for what it is:
 * the answer to the claim, or the word of its end, was lost with the database.
 * Such a job is handed back before another is claimed.
 */

typedef struct stg_job_claims_t stg_job_claims_t;

stg_job_claims_t *stg_job_claims_create(int slots, apr_pool_t *p);

/* Claim a job, NULL if none is due; it is the slot's until
 * stg_job_claims_end(). */
stg_error_t *stg_job_claims_take(stg_job_t **job, stg_job_claims_t *claims,
                                 int slot, stg_staging_t *staging,
                                 const stg_job_kind_t *kinds, apr_pool_t *p);

/* err says that the database may not know how the job ended. */
void stg_job_claims_end(stg_job_claims_t *claims, int slot,
                        const stg_error_t *err);

stg_error_t *stg_job_claims_extend(stg_job_claims_t *claims,
                                   stg_staging_t *staging, apr_pool_t *p);

#endif
