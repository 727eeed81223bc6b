/* SPDX-License-Identifier: Apache-2.0 */
#include "stagingctl.h"

#include "background.h"
#include "base/clock.h"
#include "base/text.h"
#include "core/node.h"
#include "core/reconcile.h"
#include "core/worker.h"
#include "store/part_buffer.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
    PART_MEMORY = 64 << 20, /* no bytes are received here */
    GC_INTERVAL = 60,
    MOST_THREADS = 12, /* each may want a database connection */
    SUSPECTS_PAUSE = 2,
    SUSPECTS_PATIENCE = STG_NODE_LEASE_SECONDS + STG_NODE_PATIENCE_SECONDS
};

stg_error_t *stg_ctl_jobs(stg_ctl_t *ctl, apr_pool_t *p)
{
    stg_rows_t *rows;

    STG_TRY(stg_ctl_operands(ctl, 0, 0, p));
    STG_TRY(
        stg_db_query(&rows, ctl->staging.db, STG_Q_JOB_LIST, p, STG_NO_PARAMS));
    printf("%-8s  %-8s  %8s  %-20s  %-36s  %s\n", "ID", "STATE", "ATTEMPTS",
           "NOT BEFORE", "SUBJECT", "KIND AND LAST ERROR");
    for (int i = 0; i < stg_rows_count(rows); i++) {
        const char *error = stg_rows_text(rows, i, "last_error");

        printf("%-8s  %-8s  %8s  %-20s  %-36s  %s %s\n",
               stg_rows_text(rows, i, "id"), stg_rows_text(rows, i, "state"),
               stg_rows_text(rows, i, "attempts"),
               stg_clock_rfc3339(stg_rows_time(rows, i, "run_after"), p),
               stg_rows_text(rows, i, "subject"),
               stg_rows_text(rows, i, "kind"), error ? error : "");
    }
    return STG_OK;
}

stg_error_t *stg_ctl_jobs_retry(stg_ctl_t *ctl, apr_pool_t *p)
{
    const char *id;
    apr_off_t number;

    STG_TRY(stg_ctl_operands(ctl, 1, 1, p));
    id = stg_ctl_operand(ctl, 0);
    if (!stg_parse_off(id, &number))
        return stg_raise(p, STG_E_INVALID, "\"%s\" is no job's number", id);
    return stg_job_unpark(&ctl->staging, id, p);
}

static stg_error_t *open_stores(stg_ctl_t *ctl, apr_pool_t *p)
{
    const apr_array_header_t *lines = ctl->config->stores;
    stg_stores_t *stores = &ctl->staging.stores;

    ctl->staging.parts =
        stg_part_budget_create(PART_MEMORY, ctl->config->temp_dir, p);
    if (!lines->nelts)
        return stg_raise(p, STG_E_INVALID,
                         "The configuration has no StagingStore");
    stores->list = apr_pcalloc(p, lines->nelts * sizeof(*stores->list));
    for (int i = 0; i < lines->nelts; i++) {
        apr_array_header_t *words =
            APR_ARRAY_IDX(lines, i, apr_array_header_t *);
        stg_store_config_t *config;

        STG_TRY(stg_store_config_parse(
            &config, (const char *const *)words->elts, words->nelts, p));
        config->parts = ctl->staging.parts;
        STG_TRY(stg_store_open(&stores->list[i], config, p));
        stores->count++;
    }
    return STG_OK;
}

static stg_error_t *collect(int *done, stg_ctl_t *ctl, apr_pool_t *p)
{
    static const int never = 0;
    int count = 0;

    STG_TRY(stg_gc_run(&count, &ctl->staging, stg_gc_steps, &never, p));
    *done += count;
    return STG_OK;
}

/* What a process that was killed has left is garbage only when the process
 * is certain to be dead, so wait for that: an interrupted wait loses nothing,
 * and neither does an interrupted round. */
static stg_error_t *collect_all(int *done, stg_ctl_t *ctl, apr_pool_t *p)
{
    apr_time_t end =
        stg_clock_monotonic() + apr_time_from_sec(SUSPECTS_PATIENCE);
    int is_told = 0;
    int suspects;
    apr_pool_t *turn;

    *done = 0;
    STG_TRY(collect(done, ctl, p));
    STG_TRY(stg_node_suspects(&suspects, ctl->staging.db, p));
    apr_pool_create(&turn, p);
    while (suspects && stg_clock_monotonic() < end) {
        if (!is_told)
            fprintf(stderr,
                    "stagingctl: Waiting for %d processes that seem to have "
                    "died\n",
                    suspects);
        is_told = 1;
        apr_pool_clear(turn);
        apr_sleep(apr_time_from_sec(SUSPECTS_PAUSE));
        STG_TRY(collect(done, ctl, turn));
        STG_TRY(stg_node_suspects(&suspects, ctl->staging.db, turn));
    }
    return STG_OK;
}

/* A node like others while it collects, whose lease a worker without work
 * renews. */
stg_error_t *stg_ctl_gc(stg_ctl_t *ctl, apr_pool_t *p)
{
    const stg_worker_options_t options = {.kinds = stg_job_kinds,
                                          .steps = stg_gc_steps};
    stg_worker_t *worker;
    stg_error_t *err;
    int done;

    STG_TRY(stg_ctl_operands(ctl, 0, 0, p));
    STG_TRY(open_stores(ctl, p));
    ctl->staging.node = stg_node_create(p);
    STG_TRY(stg_worker_start(&worker, &ctl->staging, &options, p));
    err = collect_all(&done, ctl, p);
    stg_worker_join(worker);
    STG_TRY(err);
    printf("%d collected\n", done);
    return STG_OK;
}

static stg_error_t *take_threads(int *threads, stg_ctl_t *ctl, apr_pool_t *p)
{
    const char *text = "1";
    apr_off_t number;

    STG_TRY(stg_ctl_take_option(&text, ctl, "--threads", p));
    if (!stg_parse_off(text, &number) || number < 1 || number > MOST_THREADS)
        return stg_raise(p, STG_E_INVALID,
                         "--threads wants a number from 1 to %d", MOST_THREADS);
    *threads = (int)number;
    return STG_OK;
}

/* The signals are blocked before any thread starts, so that they come to
 * sigwait() only. */
stg_error_t *stg_ctl_worker(stg_ctl_t *ctl, apr_pool_t *p)
{
    stg_worker_options_t options = {.kinds = stg_job_kinds,
                                    .steps = stg_gc_steps,
                                    .gc_interval = GC_INTERVAL};
    stg_worker_t *worker;
    sigset_t ends;
    int received;

    STG_TRY(take_threads(&options.job_threads, ctl, p));
    STG_TRY(stg_ctl_operands(ctl, 0, 0, p));
    STG_TRY(open_stores(ctl, p));
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    ctl->staging.node = stg_node_create(p);
    STG_TRY(stg_worker_start(&worker, &ctl->staging, &options, p));
    sigwait(&ends, &received);
    stg_worker_join(worker);
    return STG_OK;
}

/* Foreign names may hold anything; a terminal should not obey them. */
static const char *printable(const char *text, apr_pool_t *p)
{
    char *copy = apr_pstrdup(p, text ? text : "-");

    for (char *c = copy; *c; c++)
        if (apr_iscntrl(*c))
            *c = '?';
    return copy;
}

static void print_difference(void *context, const char *store, const char *key,
                             const char *what)
{
    apr_pool_t *turn = context;

    apr_pool_clear(turn);
    printf("%s %s %s\n", store, printable(key, turn), printable(what, turn));
}

/* What has failed for good is no difference, but wants somebody to look. */
static stg_error_t *note_parked(stg_ctl_t *ctl, apr_pool_t *p)
{
    stg_rows_t *rows;

    STG_TRY(stg_db_query(&rows, ctl->staging.db, STG_Q_JOB_COUNT_PARKED, p,
                         STG_NO_PARAMS));
    if (stg_rows_int(rows, 0, "parked"))
        fprintf(stderr, "stagingctl: %s jobs are parked, see stagingctl jobs\n",
                stg_rows_text(rows, 0, "parked"));
    return STG_OK;
}

stg_error_t *stg_ctl_check(stg_ctl_t *ctl, apr_pool_t *p)
{
    stg_check_t check = {.mode = STG_CHECK_REPORT, .report = print_difference};
    apr_pool_t *turn;

    if (stg_ctl_take_flag(ctl, "--repair"))
        check.mode = STG_CHECK_REPAIR;
    check.is_deep = stg_ctl_take_flag(ctl, "--deep");
    STG_TRY(stg_ctl_operands(ctl, 0, 0, p));
    STG_TRY(open_stores(ctl, p));
    apr_pool_create(&turn, p);
    check.context = turn;
    STG_TRY(stg_check_run(&check, &ctl->staging, p));
    fprintf(stderr,
            "stagingctl: %" APR_INT64_T_FMT " objects, %" APR_INT64_T_FMT
            " differences, %" APR_INT64_T_FMT " repaired\n",
            check.objects, check.differences, check.repaired);
    ctl->has_differences = check.differences > 0;
    return note_parked(ctl, p);
}
