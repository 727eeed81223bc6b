/* SPDX-License-Identifier: Apache-2.0 */
#include "core/worker.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "core/job_claims.h"
#include "core/node.h"
#include "db/schema.h"

#include <apr_allocator.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

#include <signal.h>
#include <string.h>

enum {
    POLL_SHORTEST_SECONDS = 1,
    POLL_LONGEST_SECONDS = 5,
    EXTEND_SECONDS = 15,
    FIRST_LEASE_SECONDS = 1,
    MESSAGE_SIZE = 256
};

/* One background thread. Its pool is cleared each turn. */
typedef struct hand_t {
    stg_worker_t *worker;
    apr_thread_t *thread;
    apr_pool_t *pool;
    char complaint[MESSAGE_SIZE]; /* logged last, not to be repeated */
    int slot;                     /* of a runner, among the claims */
} hand_t;

struct stg_worker_t {
    stg_staging_t *host;
    stg_staging_t *staging; /* the host's, but its stores hear of our end */
    stg_worker_options_t options;
    apr_pool_t *pool;
    hand_t *housekeeper;
    hand_t *collector;
    hand_t *runners;
    stg_job_claims_t *claims;
    int is_joined;
    int is_stopping; /* atomic, since gc.h and stores read it */
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *changed;
    struct {
        int is_ending;  /* the housekeeper may leave too */
        int has_lease;  /* the first renewal came through, or failed */
        int db_is_down; /* said so already */
        unsigned int wakes;
    } synced;
};

/* --- waiting -------------------------------------------------------------- */

static apr_interval_time_t jitter(apr_interval_time_t from,
                                  apr_interval_time_t to)
{
    apr_uint32_t random = 0;

    (void)apr_generate_random_bytes((unsigned char *)&random, sizeof(random));
    return from +
           (apr_interval_time_t)((double)(to - from) * random / APR_UINT32_MAX);
}

static int is_stopping(const stg_worker_t *worker)
{
    return __atomic_load_n(&worker->is_stopping, __ATOMIC_RELAXED);
}

/* What a thread waits for besides the time. */
typedef int until_t(const stg_worker_t *worker, unsigned int seen);

static int until_stop_synced(const stg_worker_t *worker, unsigned int seen)
{
    (void)seen;
    return is_stopping(worker);
}

static int until_work_synced(const stg_worker_t *worker, unsigned int seen)
{
    return is_stopping(worker) || worker->synced.wakes != seen;
}

static int until_end_synced(const stg_worker_t *worker, unsigned int seen)
{
    (void)seen;
    return worker->synced.is_ending;
}

static int until_lease_synced(const stg_worker_t *worker, unsigned int seen)
{
    (void)seen;
    return worker->synced.has_lease;
}

static void worker_wait(stg_worker_t *worker, apr_interval_time_t time,
                        until_t *until, unsigned int seen)
{
    apr_time_t deadline = stg_clock_monotonic() + time;
    apr_interval_time_t left = time;

    apr_thread_mutex_lock(worker->mutex);
    while (!until(worker, seen) && left > 0) {
        apr_thread_cond_timedwait(worker->changed, worker->mutex, left);
        left = deadline - stg_clock_monotonic();
    }
    apr_thread_mutex_unlock(worker->mutex);
}

static unsigned int wakes_so_far(stg_worker_t *worker)
{
    unsigned int wakes;

    apr_thread_mutex_lock(worker->mutex);
    wakes = worker->synced.wakes;
    apr_thread_mutex_unlock(worker->mutex);
    return wakes;
}

static int has_ended(stg_worker_t *worker)
{
    int is_ending;

    apr_thread_mutex_lock(worker->mutex);
    is_ending = worker->synced.is_ending;
    apr_thread_mutex_unlock(worker->mutex);
    return is_ending;
}

/* --- saying what went wrong, once ---------------------------------------- */

/* Remember the state of the database; has it changed? */
static int db_is_news(stg_worker_t *worker, int is_down)
{
    int is_news;

    apr_thread_mutex_lock(worker->mutex);
    is_news = worker->synced.db_is_down != is_down;
    worker->synced.db_is_down = is_down;
    apr_thread_mutex_unlock(worker->mutex);
    return is_news;
}

/* An outage of the database is everybody's and is logged once; other errors
 * once until the thread's next turn that went well. NULL is such a turn. */
static void report(hand_t *hand, const stg_error_t *err)
{
    if (!err) {
        hand->complaint[0] = '\0';
        return;
    }
    if (err->code == STG_E_DB_DOWN) {
        if (db_is_news(hand->worker, 1))
            stg_log(STG_LOG_ERROR, "background work waits for the database: %s",
                    stg_error_text(err, hand->pool));
        return;
    }
    if (err->code == STG_E_ENDING ||
        !strncmp(hand->complaint, err->message, MESSAGE_SIZE - 1))
        return;
    apr_cpystrn(hand->complaint, err->message, MESSAGE_SIZE);
    stg_log(STG_LOG_ERROR, "background work: %s",
            stg_error_text(err, hand->pool));
}

/* --- the housekeeper ----------------------------------------------------- */

static stg_error_t *parked_count(stg_worker_t *worker, apr_pool_t *p)
{
    stg_rows_t *rows;

    STG_TRY(stg_db_query(&rows, worker->staging->db, STG_Q_JOB_COUNT_PARKED, p,
                         STG_NO_PARAMS));
    stg_metric_set(STG_METRIC_JOBS_PARKED, stg_rows_int(rows, 0, "parked"));
    return STG_OK;
}

/* Without our schema there is no lease; the lease comes before the rest, and
 * alone decides how soon to try again. */
static stg_error_t *house_keep(hand_t *hand, apr_time_t *extended)
{
    stg_worker_t *worker = hand->worker;
    stg_staging_t *staging = worker->staging;
    apr_time_t now = stg_clock_monotonic();
    int buried;

    STG_TRY(stg_schema_watch(staging->db, hand->pool));
    STG_TRY(stg_node_renew(staging->node, staging->db, hand->pool));
    if (db_is_news(worker, 0))
        stg_log(STG_LOG_NOTICE, "the database is back");
    STG_TRY(stg_node_settle_debts(staging->node, staging->db, hand->pool));
    STG_TRY(stg_node_bury(&buried, staging->db, hand->pool));
    if (buried)
        stg_worker_wake(worker); /* their jobs are free */
    if (now - *extended < apr_time_from_sec(EXTEND_SECONDS))
        return STG_OK;
    STG_TRY(stg_job_claims_extend(worker->claims, staging, hand->pool));
    STG_TRY(parked_count(worker, hand->pool));
    *extended = now;
    return STG_OK;
}

static void *APR_THREAD_FUNC housekeeper_run(apr_thread_t *thread, void *data)
{
    hand_t *hand = data;
    stg_worker_t *worker = hand->worker;
    apr_time_t extended = 0;

    (void)thread;
    while (!has_ended(worker)) {
        stg_error_t *err = house_keep(hand, &extended);

        report(hand, err);
        apr_pool_clear(hand->pool);
        apr_thread_mutex_lock(worker->mutex);
        worker->synced.has_lease = 1;
        apr_thread_cond_broadcast(worker->changed);
        apr_thread_mutex_unlock(worker->mutex);
        worker_wait(worker,
                    err ? jitter(apr_time_from_sec(1), apr_time_from_sec(3))
                        : apr_time_from_sec(STG_NODE_RENEW_SECONDS),
                    until_end_synced, 0);
    }
    return NULL;
}

/* --- garbage collection -------------------------------------------------- */

static void *APR_THREAD_FUNC collector_run(apr_thread_t *thread, void *data)
{
    hand_t *hand = data;
    stg_worker_t *worker = hand->worker;
    const apr_interval_time_t interval =
        apr_time_from_sec(worker->options.gc_interval);

    (void)thread;
    while (!is_stopping(worker)) {
        int done;

        worker_wait(worker, jitter(interval / 2, interval + interval / 2),
                    until_stop_synced, 0);
        if (is_stopping(worker))
            break;
        report(hand, stg_gc_run(&done, worker->staging, worker->options.steps,
                                &worker->is_stopping, hand->pool));
        if (done)
            stg_log(STG_LOG_INFO, "garbage collection: %d done", done);
        apr_pool_clear(hand->pool);
    }
    return NULL;
}

/* --- jobs ---------------------------------------------------------------- */

static const stg_job_kind_t *kind_find(const stg_job_kind_t *kinds,
                                       const char *name)
{
    while (strcmp(kinds->kind, name))
        kinds++;
    return kinds;
}

/* *found = 0 if there was nothing to do. */
static stg_error_t *job_turn(int *found, hand_t *hand)
{
    const stg_job_kind_t *kinds = hand->worker->options.kinds;
    stg_staging_t *staging = hand->worker->staging;
    stg_job_claims_t *claims = hand->worker->claims;
    stg_error_t *err;
    stg_job_t *job;

    *found = 0;
    if (!stg_node_is_alive(staging->node))
        return STG_OK;
    STG_TRY(stg_job_claims_take(&job, claims, hand->slot, staging, kinds,
                                hand->pool));
    if (!job)
        return STG_OK;
    *found = 1;
    err =
        stg_job_attempt(staging, kind_find(kinds, job->kind), job, hand->pool);
    stg_job_claims_end(claims, hand->slot, err);
    return err;
}

static void *APR_THREAD_FUNC runner_run(apr_thread_t *thread, void *data)
{
    hand_t *hand = data;
    stg_worker_t *worker = hand->worker;

    (void)thread;
    while (!is_stopping(worker)) {
        unsigned int seen = wakes_so_far(worker);
        stg_error_t *err;
        int found;

        err = job_turn(&found, hand);
        report(hand, err);
        apr_pool_clear(hand->pool);
        if (!found || err)
            worker_wait(worker,
                        jitter(apr_time_from_sec(POLL_SHORTEST_SECONDS),
                               apr_time_from_sec(POLL_LONGEST_SECONDS)),
                        until_work_synced, seen);
    }
    return NULL;
}

/* --- starting and ending ------------------------------------------------- */

/* Pools of threads share nothing, not even an allocator. */
static apr_pool_t *root_pool_create(const char *tag)
{
    apr_allocator_t *allocator;
    apr_pool_t *pool;

    apr_allocator_create(&allocator);
    apr_pool_create_ex(&pool, NULL, NULL, allocator);
    apr_allocator_owner_set(allocator, pool);
    apr_pool_tag(pool, tag);
    return pool;
}

static stg_error_t *hand_start(hand_t *hand, apr_thread_start_t run,
                               apr_pool_t *p)
{
    apr_status_t status;

    hand->pool = root_pool_create("worker");
    status =
        apr_thread_create(&hand->thread, NULL, run, hand, hand->worker->pool);
    if (status == APR_SUCCESS)
        return STG_OK;
    hand->thread = NULL;
    return stg_because_apr(
        stg_raise(p, STG_E_INTERNAL, "cannot start a background thread"), p,
        status, "apr_thread_create");
}

static stg_error_t *threads_start(stg_worker_t *worker, apr_pool_t *p)
{
    STG_TRY(hand_start(worker->housekeeper, housekeeper_run, p));
    worker_wait(worker, apr_time_from_sec(FIRST_LEASE_SECONDS),
                until_lease_synced, 0);
    if (worker->options.gc_interval > 0)
        STG_TRY(hand_start(worker->collector, collector_run, p));
    for (int i = 0; i < worker->options.job_threads; i++)
        STG_TRY(hand_start(&worker->runners[i], runner_run, p));
    return STG_OK;
}

static apr_status_t worker_cleanup(void *data)
{
    stg_worker_join(data);
    return APR_SUCCESS;
}

/* All signals are the host's business, but those of a fault must hit. */
static void signals_block(sigset_t *before)
{
    sigset_t all;

    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGABRT);
    pthread_sigmask(SIG_SETMASK, &all, before);
}

stg_error_t *stg_worker_start(stg_worker_t **worker, stg_staging_t *staging,
                              const stg_worker_options_t *options,
                              apr_pool_t *p)
{
    stg_worker_t *made = apr_pcalloc(p, sizeof(*made));
    stg_error_t *err;
    sigset_t before;

    made->host = staging;
    made->staging = apr_pmemdup(p, staging, sizeof(*staging));
    made->staging->stores =
        stg_stores_stoppable(&staging->stores, &made->is_stopping, p);
    made->options = *options;
    made->pool = root_pool_create("workers");
    made->housekeeper = apr_pcalloc(p, sizeof(hand_t));
    made->collector = apr_pcalloc(p, sizeof(hand_t));
    made->runners =
        apr_pcalloc(p, (apr_size_t)options->job_threads * sizeof(hand_t));
    for (int i = 0; i < options->job_threads; i++)
        made->runners[i] = (hand_t){.worker = made, .slot = i};
    made->claims = stg_job_claims_create(options->job_threads, made->pool);
    made->housekeeper->worker = made;
    made->collector->worker = made;
    apr_thread_mutex_create(&made->mutex, APR_THREAD_MUTEX_DEFAULT, made->pool);
    apr_thread_cond_create(&made->changed, made->pool);
    apr_pool_pre_cleanup_register(p, made, worker_cleanup);
    signals_block(&before);
    err = threads_start(made, p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    STG_TRY(err);
    staging->worker = made;
    *worker = made;
    return STG_OK;
}

void stg_worker_wake(stg_worker_t *worker)
{
    if (!worker)
        return;
    apr_thread_mutex_lock(worker->mutex);
    worker->synced.wakes++;
    apr_thread_cond_broadcast(worker->changed);
    apr_thread_mutex_unlock(worker->mutex);
}

void stg_worker_stop(stg_worker_t *worker)
{
    if (!worker)
        return;
    apr_thread_mutex_lock(worker->mutex);
    __atomic_store_n(&worker->is_stopping, 1, __ATOMIC_RELAXED);
    apr_thread_cond_broadcast(worker->changed);
    apr_thread_mutex_unlock(worker->mutex);
}

static void hand_join(hand_t *hand)
{
    apr_status_t status;

    if (hand->thread)
        apr_thread_join(&status, hand->thread);
    if (hand->pool)
        apr_pool_destroy(hand->pool);
}

void stg_worker_join(stg_worker_t *worker)
{
    stg_staging_t *staging = worker->staging;
    stg_error_t *err;

    if (worker->is_joined)
        return;
    worker->is_joined = 1;
    stg_worker_stop(worker);
    for (int i = 0; i < worker->options.job_threads; i++)
        hand_join(&worker->runners[i]);
    hand_join(worker->collector);
    apr_thread_mutex_lock(worker->mutex);
    worker->synced.is_ending = 1;
    apr_thread_cond_broadcast(worker->changed);
    apr_thread_mutex_unlock(worker->mutex);
    hand_join(worker->housekeeper);
    worker->host->worker = NULL;
    err = stg_node_retire(staging->node, staging->db, worker->pool);
    if (err)
        stg_log(STG_LOG_INFO,
                "the lease of this process is left to run out: "
                "%s",
                stg_error_text(err, worker->pool));
    apr_pool_destroy(worker->pool);
}
