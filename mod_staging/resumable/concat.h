/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_RESUMABLE_CONCAT_H
#define STG_RESUMABLE_CONCAT_H

#include "resumable/resumable.h"
#include "stream/upload_concat.h"

/* Uploads that are made of others (tus, concatenation): a job reads the
 * partials in their order into the final one, where it goes on after whatever
 * has interrupted it. */

#define STG_RESUMABLE_CONCAT "resumable_concat"

enum { STG_CONCAT_MAX_PARTIALS = 1000 };

/* The partials and the size of spec. Everything that can be refused is, as
 * clients do not look again once it is created: INVALID, NOT_FOUND, NOT_READY
 * if a partial is not complete. */
stg_error_t *stg_concat_plan(stg_resumable_spec_t *spec, stg_db_t *db,
                             const stg_upload_concat_t *concat, apr_pool_t *p);

/* Until it is complete, but not for long: the job goes on without us. */
stg_error_t *stg_concat_wait(stg_resumable_t **resumable,
                             stg_staging_t *staging,
                             const stg_resumable_spec_t *spec, apr_pool_t *p);

/* The job. */
stg_error_t *stg_concat_run(stg_staging_t *staging, const stg_job_t *job,
                            apr_pool_t *p);
stg_error_t *stg_concat_give_up(stg_staging_t *staging, const stg_job_t *job,
                                const stg_error_t *why, apr_pool_t *p);

#endif
