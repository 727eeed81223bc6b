/* SPDX-License-Identifier: Apache-2.0 */
#include "core_fixture.h"

#include "core/worker.h"

#include <apr_strings.h>
#include <apr_time.h>

static stg_error_t *job_ends(stg_staging_t *staging, const stg_job_t *job,
                             apr_pool_t *p)
{
    stg_rows_t *rows;

    return stg_db_query(
        &rows, staging->db, STG_Q_UPLOAD_FINISHED, p,
        STG_PARAMS(job->subject, apr_psprintf(p, "%" APR_INT64_T_FMT, job->id),
                   apr_psprintf(p, "%" APR_INT64_T_FMT, job->fence)));
}

static stg_error_t *job_fails(stg_staging_t *staging, const stg_job_t *job,
                              apr_pool_t *p)
{
    (void)staging;
    (void)job;
    return stg_raise(p, STG_E_STORE_FAILED, "it refused");
}

static stg_error_t *job_waits(stg_staging_t *staging, const stg_job_t *job,
                              apr_pool_t *p)
{
    (void)staging;
    (void)job;
    return stg_raise(p, STG_E_STORE_DOWN, "it is away");
}

static const stg_job_kind_t ending[] = {{"test", job_ends, NULL},
                                        {NULL, NULL, NULL}};
static const stg_job_kind_t failing[] = {{"test", job_fails, NULL},
                                         {NULL, NULL, NULL}};
static const stg_job_kind_t waiting[] = {{"test", job_waits, NULL},
                                         {NULL, NULL, NULL}};

static void add_jobs(core_t *core, int count)
{
    core_sql(core,
             "INSERT INTO job (kind, subject) SELECT 'test', gen_random_uuid() "
             "FROM generate_series(1, %d)",
             count);
}

static stg_job_t *claim(core_t *core, stg_staging_t *staging)
{
    stg_job_t *job = NULL;

    STG_CHECK_OK(stg_job_claim(&job, staging, ending, core->p));
    return job;
}

static int parked(core_t *core)
{
    stg_rows_t *rows;

    STG_CHECK_OK(stg_db_query(&rows, core->staging.db, STG_Q_JOB_COUNT_PARKED,
                              core->p, STG_NO_PARAMS));
    return (int)stg_rows_int(rows, 0, "parked");
}

static void job_is_claimed_once(void)
{
    core_t core;
    stg_staging_t other;

    core_begin(&core);
    other = core_other_node(&core);
    CU_ASSERT_PTR_NULL(claim(&core, &core.staging));
    add_jobs(&core, 1);
    CU_ASSERT_PTR_NOT_NULL(claim(&core, &core.staging));
    CU_ASSERT_PTR_NULL(claim(&core, &other));
    core_end(&core);
}

/* takes the claim with the fence that it has lost */
static void old_fence_changes_nothing(core_t *core, const stg_job_t *old)
{
    const stg_error_t *why = stg_raise(core->p, STG_E_STORE_DOWN, "late");
    int is_ours;

    STG_CHECK_OK(stg_job_extend(&is_ours, &core->staging, old, core->p));
    CU_ASSERT_FALSE(is_ours);
    STG_CHECK_OK(stg_job_retry(&core->staging, old, why, core->p));
    STG_CHECK_OK(stg_job_park(&core->staging, old, why, core->p));
    STG_CHECK_OK(job_ends(&core->staging, old, core->p));
    CU_ASSERT_EQUAL(parked(core), 0);
}

static void lost_claim_is_taken_over_and_its_fence_is_worthless(void)
{
    core_t core;
    stg_staging_t other;
    stg_job_t *old;
    stg_job_t *new;
    int is_ours;

    core_begin(&core);
    other = core_other_node(&core);
    add_jobs(&core, 1);
    old = claim(&core, &core.staging);
    core_sql(&core, "UPDATE job SET expires = now() - interval '1 s'");
    new = claim(&core, &other);
    CU_ASSERT_PTR_NOT_NULL_FATAL(new);
    CU_ASSERT_EQUAL(new->id, old->id);
    CU_ASSERT(new->fence > old->fence);
    CU_ASSERT_EQUAL(new->attempts, 2);
    old_fence_changes_nothing(&core, old);
    STG_CHECK_OK(stg_job_extend(&is_ours, &other, new, core.p));
    CU_ASSERT(is_ours);
    core_end(&core);
}

/* As when the answer to a claim was lost: its node lives and knows nothing. */
static void job_that_nobody_runs_is_free_after_a_minute(void)
{
    core_t core;

    core_begin(&core);
    add_jobs(&core, 1);
    CU_ASSERT_PTR_NOT_NULL(claim(&core, &core.staging));
    core_sql(&core, "UPDATE job SET expires = expires - interval '60 s'");
    CU_ASSERT_PTR_NOT_NULL(claim(&core, &core.staging));
    core_end(&core);
}

static void job_of_a_dead_node_is_taken_over_at_once(void)
{
    core_t core;
    stg_staging_t other;

    core_begin(&core);
    other = core_other_node(&core);
    add_jobs(&core, 1);
    CU_ASSERT_PTR_NOT_NULL(claim(&core, &core.staging));
    STG_CHECK_OK(stg_node_retire(core.staging.node, core.staging.db, core.p));
    CU_ASSERT_PTR_NOT_NULL(claim(&core, &other));
    core_end(&core);
}

/* Claims and runs the one job so many times, whatever the delay. */
static void attempt(core_t *core, const stg_job_kind_t *kind, int times)
{
    for (int i = 0; i < times; i++) {
        stg_job_t *job;

        core_sql(core, "UPDATE job SET run_after = now()");
        job = claim(core, &core->staging);
        CU_ASSERT_PTR_NOT_NULL_FATAL(job);
        STG_CHECK_OK(stg_job_attempt(&core->staging, kind, job, core->p));
    }
}

static void job_is_parked_after_its_last_attempt(void)
{
    core_t core;

    core_begin(&core);
    add_jobs(&core, 1);
    attempt(&core, failing, STG_JOB_MAX_ATTEMPTS - 1);
    CU_ASSERT_EQUAL(parked(&core), 0);
    attempt(&core, failing, 1);
    CU_ASSERT_EQUAL(parked(&core), 1);
    core_sql(&core, "UPDATE job SET run_after = now()");
    CU_ASSERT_PTR_NULL(claim(&core, &core.staging));
    core_end(&core);
}

static void job_waits_for_ever_for_what_is_away(void)
{
    core_t core;

    core_begin(&core);
    add_jobs(&core, 1);
    attempt(&core, waiting, 3 * STG_JOB_MAX_ATTEMPTS);
    CU_ASSERT_EQUAL(parked(&core), 0);
    core_end(&core);
}

static void job_that_kills_its_process_is_not_run_for_ever(void)
{
    core_t core;

    core_begin(&core);
    add_jobs(&core, 1);
    core_sql(&core, "UPDATE job SET attempts = %d", STG_JOB_MAX_ATTEMPTS);
    attempt(&core, ending, 1);
    CU_ASSERT_EQUAL(parked(&core), 1);
    core_end(&core);
}

/* --- worker ----------------------------------------------------------------
 */

static int jobs_left(core_t *core)
{
    stg_rows_t *rows;

    STG_CHECK_OK(stg_db_query(&rows, core->staging.db, STG_Q_JOB_LIST, core->p,
                              STG_NO_PARAMS));
    return stg_rows_count(rows);
}

static void worker_runs_jobs_when_woken_and_ends_quickly(void)
{
    const stg_gc_step_t steps[] = {{NULL, NULL}};
    const stg_worker_options_t options = {
        .kinds = ending, .steps = steps, .job_threads = 2, .gc_interval = 1};
    core_t core;
    stg_worker_t *worker = NULL;
    apr_time_t start;

    core_begin(&core);
    STG_CHECK_OK(stg_worker_start(&worker, &core.staging, &options, core.p));
    CU_ASSERT_PTR_NOT_NULL_FATAL(worker);
    CU_ASSERT_PTR_EQUAL(core.staging.worker, worker);
    add_jobs(&core, 20);
    start = apr_time_now();
    while (jobs_left(&core) && apr_time_now() - start < apr_time_from_sec(20)) {
        stg_worker_wake(worker);
        apr_sleep(10000);
    }
    CU_ASSERT_EQUAL(jobs_left(&core), 0);
    start = apr_time_now();
    stg_worker_join(worker);
    CU_ASSERT(apr_time_now() - start < apr_time_from_sec(2));
    CU_ASSERT_PTR_NULL(core.staging.worker);
    CU_ASSERT_FALSE(stg_node_is_alive(core.staging.node));
    core_end(&core);
}

static void worker_survives_the_loss_of_its_connections(void)
{
    const stg_gc_step_t steps[] = {{NULL, NULL}};
    const stg_worker_options_t options = {
        .kinds = ending, .steps = steps, .job_threads = 1};
    core_t core;
    stg_worker_t *worker = NULL;

    core_begin(&core);
    STG_CHECK_OK(stg_worker_start(&worker, &core.staging, &options, core.p));
    stg_check_kill(core.p);
    stg_worker_wake(worker);
    apr_sleep(50000);
    stg_worker_join(worker);
    core_end(&core);
}

void stg_jobs_suite(void)
{
    CU_pSuite suite = CU_add_suite("jobs", NULL, NULL);

    STG_TEST(suite, job_is_claimed_once);
    STG_TEST(suite, lost_claim_is_taken_over_and_its_fence_is_worthless);
    STG_TEST(suite, job_that_nobody_runs_is_free_after_a_minute);
    STG_TEST(suite, job_of_a_dead_node_is_taken_over_at_once);
    STG_TEST(suite, job_is_parked_after_its_last_attempt);
    STG_TEST(suite, job_waits_for_ever_for_what_is_away);
    STG_TEST(suite, job_that_kills_its_process_is_not_run_for_ever);
    STG_TEST(suite, worker_runs_jobs_when_woken_and_ends_quickly);
    STG_TEST(suite, worker_survives_the_loss_of_its_connections);
}
