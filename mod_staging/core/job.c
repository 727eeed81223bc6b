/* SPDX-License-Identifier: Apache-2.0 */
#include "core/job.h"

#include "base/crash.h"
#include "base/log.h"
#include "base/metrics.h"
#include "core/node.h"
#include "core/worker.h"

#include <apr_strings.h>

#include <string.h>

enum {
    LONGEST_DELAY_SECONDS = 300,
    /* Where the attempts of a job stay while it fails for no fault of its
     * own: the delays are long, yet it is not given up. */
    TRANSIENT_ATTEMPTS = STG_JOB_MAX_ATTEMPTS - 3
};

static const char *number(apr_int64_t value, apr_pool_t *p)
{
    return apr_psprintf(p, "%" APR_INT64_T_FMT, value);
}

static const char *kinds_array(const stg_job_kind_t *kinds, apr_pool_t *p)
{
    apr_array_header_t *names = apr_array_make(p, 8, sizeof(const char *));

    for (; kinds->kind; kinds++)
        APR_ARRAY_PUSH(names, const char *) = kinds->kind;
    return stg_db_array((const char *const *)names->elts, names->nelts, p);
}

stg_error_t *stg_job_claim(stg_job_t **job, stg_staging_t *staging,
                           const stg_job_kind_t *kinds, apr_pool_t *p)
{
    stg_rows_t *rows;
    stg_job_t *claimed;

    STG_TRY(stg_db_query(&rows, staging->db, STG_Q_JOB_CLAIM, p,
                         STG_PARAMS(kinds_array(kinds, p),
                                    stg_node_id(staging->node),
                                    apr_itoa(p, STG_JOB_LEASE_SECONDS))));
    *job = NULL;
    if (!stg_rows_count(rows))
        return STG_OK;
    STG_CRASH_POINT("job-claimed");
    claimed = apr_pcalloc(p, sizeof(*claimed));
    claimed->id = stg_rows_int(rows, 0, "id");
    claimed->kind = stg_rows_text(rows, 0, "kind");
    claimed->subject = stg_rows_text(rows, 0, "subject");
    claimed->fence = stg_rows_int(rows, 0, "fence");
    claimed->attempts = (int)stg_rows_int(rows, 0, "attempts");
    *job = claimed;
    return STG_OK;
}

stg_error_t *stg_job_extend(int *is_ours, stg_staging_t *staging,
                            const stg_job_t *job, apr_pool_t *p)
{
    stg_rows_t *rows;

    STG_TRY(stg_db_query(&rows, staging->db, STG_Q_JOB_EXTEND, p,
                         STG_PARAMS(number(job->id, p), number(job->fence, p),
                                    apr_itoa(p, STG_JOB_LEASE_SECONDS))));
    STG_CRASH_POINT("job-extended");
    *is_ours = stg_rows_count(rows) > 0;
    return STG_OK;
}

int stg_job_is_transient(const stg_error_t *why)
{
    return why->code == STG_E_STORE_DOWN || why->code == STG_E_DB_DOWN ||
           why->code == STG_E_BUSY || why->code == STG_E_NO_SPACE ||
           why->code == STG_E_ENDING;
}

int stg_job_is_hopeless(const stg_job_t *job, const stg_error_t *why)
{
    if (stg_job_is_transient(why))
        return 0;
    return stg_code_status(why->code) < 500 ||
           job->attempts >= STG_JOB_MAX_ATTEMPTS;
}

stg_error_t *stg_job_retry(stg_staging_t *staging, const stg_job_t *job,
                           const stg_error_t *why, apr_pool_t *p)
{
    int most =
        stg_job_is_transient(why) ? TRANSIENT_ATTEMPTS : STG_JOB_MAX_ATTEMPTS;

    STG_CRASH_POINT("job-retry");
    STG_TRY(stg_db_query(NULL, staging->db, STG_Q_JOB_RETRY, p,
                         STG_PARAMS(number(job->id, p), number(job->fence, p),
                                    stg_error_text(why, p), apr_itoa(p, most),
                                    apr_itoa(p, LONGEST_DELAY_SECONDS))));
    STG_CRASH_POINT("job-retried");
    return STG_OK;
}

stg_error_t *stg_job_park(stg_staging_t *staging, const stg_job_t *job,
                          const stg_error_t *why, apr_pool_t *p)
{
    STG_CRASH_POINT("job-park");
    STG_TRY(stg_db_query(NULL, staging->db, STG_Q_JOB_PARK, p,
                         STG_PARAMS(number(job->id, p), number(job->fence, p),
                                    stg_error_text(why, p))));
    STG_CRASH_POINT("job-parked");
    return STG_OK;
}

static stg_error_t *give_up(stg_staging_t *staging, const stg_job_kind_t *kind,
                            const stg_job_t *job, const stg_error_t *why,
                            apr_pool_t *p)
{
    stg_log(STG_LOG_ERROR, "gave up the job %s of %s: %s", job->kind,
            job->subject, stg_error_text(why, p));
    stg_metric_add_to(STG_METRIC_JOBS, "parked", NULL, 1);
    if (kind->give_up)
        STG_TRY(kind->give_up(staging, job, why, p));
    return stg_job_park(staging, job, why, p);
}

/* What the database itself cannot be told is logged by the caller; that a
 * process ends is nothing to tell of, nor to warn of that a job has to wait for
 * others. */
static stg_error_t *try_later(stg_staging_t *staging, const stg_job_t *job,
                              const stg_error_t *why, apr_pool_t *p)
{
    stg_metric_add_to(STG_METRIC_JOBS, "retried", NULL, 1);
    if (why->code != STG_E_DB_DOWN && why->code != STG_E_ENDING)
        stg_log(why->code == STG_E_BUSY ? STG_LOG_INFO : STG_LOG_WARNING,
                "attempt %d of the job %s of %s failed: %s", job->attempts,
                job->kind, job->subject, stg_error_text(why, p));
    return stg_job_retry(staging, job, why, p);
}

stg_error_t *stg_job_attempt(stg_staging_t *staging, const stg_job_kind_t *kind,
                             const stg_job_t *job, apr_pool_t *p)
{
    stg_error_t *err;

    if (job->attempts > STG_JOB_MAX_ATTEMPTS)
        err = stg_raise(p, STG_E_INTERNAL,
                        "the processes that ran this job died");
    else
        err = kind->run(staging, job, p);
    if (!err) {
        stg_metric_add_to(STG_METRIC_JOBS, "done", NULL, 1);
        return STG_OK;
    }
    if (stg_job_is_hopeless(job, err))
        return give_up(staging, kind, job, err, p);
    return try_later(staging, job, err, p);
}

stg_error_t *stg_job_unpark(stg_staging_t *staging, const char *id,
                            apr_pool_t *p)
{
    stg_rows_t *rows;

    STG_TRY(
        stg_db_query(&rows, staging->db, STG_Q_JOB_UNPARK, p, STG_PARAMS(id)));
    if (!stg_rows_count(rows))
        return stg_raise(p, STG_E_NOT_FOUND, "There is no job %s", id);
    /* The statement sees the row as it was before. */
    if (strcmp(stg_rows_text(rows, 0, "state"), "parked"))
        return stg_raise(p, STG_E_CONFLICT, "Job %s is not parked but %s", id,
                         stg_rows_text(rows, 0, "state"));
    stg_worker_wake(staging->worker);
    return STG_OK;
}
