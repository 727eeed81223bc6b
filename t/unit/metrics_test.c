/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metrics.h"

#include "check.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static apr_pool_t *pool;

/* Cells of our own, so that other suites do not count along. */
static int set_up(void)
{
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 1;
    stg_metrics_init(apr_pcalloc(pool, stg_metrics_size()));
    return 0;
}

static int tear_down(void)
{
    stg_metrics_init(NULL);
    apr_pool_destroy(pool);
    return 0;
}

static int has_line(const char *line)
{
    const char *text = stg_metrics_text(pool);
    const char *found = strstr(text, line);

    return found && (found == text || found[-1] == '\n') &&
           found[strlen(line)] == '\n';
}

static void counters_add_up(void)
{
    stg_metric_add(STG_METRIC_UPLOAD_BYTES, 5000000000);
    stg_metric_add(STG_METRIC_UPLOAD_BYTES, 1);
    CU_ASSERT(has_line("# TYPE staging_upload_bytes_total counter"));
    CU_ASSERT(has_line("staging_upload_bytes_total 5000000001"));
}

static void series_are_told_apart_by_their_labels(void)
{
    stg_metric_add_to(STG_METRIC_REQUESTS, "uploads", "2xx", 2);
    stg_metric_add_to(STG_METRIC_REQUESTS, "ops", "5xx", 3);
    stg_metric_add_to(STG_METRIC_REQUESTS, "never heard of", "4xx", 4);
    stg_metric_add_to(STG_METRIC_UPLOADS, "failure", NULL, 1);
    CU_ASSERT(
        has_line("staging_requests_total{api=\"uploads\",status=\"2xx\"} 2"));
    CU_ASSERT(
        has_line("staging_requests_total{api=\"uploads\",status=\"3xx\"} 0"));
    CU_ASSERT(has_line("staging_requests_total{api=\"ops\",status=\"5xx\"} 3"));
    CU_ASSERT(
        has_line("staging_requests_total{api=\"other\",status=\"4xx\"} 4"));
    CU_ASSERT(has_line("staging_uploads_total{result=\"failure\"} 1"));
    CU_ASSERT(has_line("staging_uploads_total{result=\"success\"} 0"));
}

static void gauges_rise_sink_and_are_set(void)
{
    stg_metric_add(STG_METRIC_IN_FLIGHT, 3);
    stg_metric_add(STG_METRIC_IN_FLIGHT, -1);
    stg_metric_set(STG_METRIC_JOBS_PARKED, 9);
    stg_metric_set(STG_METRIC_JOBS_PARKED, 4);
    CU_ASSERT_EQUAL(stg_metric_value(STG_METRIC_IN_FLIGHT), 2);
    CU_ASSERT(has_line("staging_jobs_parked 4"));
}

/* Has held 5 when it says so, and lives until in is closed. */
static void hold_five(void *memory, int in, int out)
{
    char end;

    stg_metrics_init(memory);
    stg_metric_add(STG_METRIC_PARTS_MEMORY, 5);
    if (write(out, "x", 1) == 1 && read(in, &end, 1) < 1)
        raise(SIGKILL);
    _exit(1);
}

static void what_a_dead_process_held_is_held_by_nobody(void)
{
    void *memory = mmap(NULL, stg_metrics_size(), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int in[2], out[2];
    pid_t child;
    char begun;

    CU_ASSERT_NOT_EQUAL_FATAL(memory, MAP_FAILED);
    CU_ASSERT_FALSE_FATAL(pipe(in) || pipe(out));
    stg_metrics_init(memory);
    stg_metric_add(STG_METRIC_PARTS_MEMORY, 7);
    child = fork();
    if (child == 0) {
        close(in[1]);
        hold_five(memory, in[0], out[1]);
    }
    CU_ASSERT_EQUAL(read(out[0], &begun, 1), 1);
    CU_ASSERT_EQUAL(stg_metric_value(STG_METRIC_PARTS_MEMORY), 12);
    for (int i = 0; i < 2; i++)
        close(in[i]);
    CU_ASSERT_EQUAL(waitpid(child, NULL, 0), child);
    CU_ASSERT_EQUAL(stg_metric_value(STG_METRIC_PARTS_MEMORY), 7);
    CU_ASSERT(has_line("# TYPE staging_parts_memory_bytes gauge"));
    CU_ASSERT(has_line("staging_parts_memory_bytes 7"));
    for (int i = 0; i < 2; i++)
        close(out[i]);
    munmap(memory, stg_metrics_size());
    stg_metrics_init(apr_pcalloc(pool, stg_metrics_size()));
}

static void histograms_accumulate_from_bucket_to_bucket(void)
{
    stg_metric_observe(STG_METRIC_STORE_TIME, "read", 5000);
    stg_metric_observe(STG_METRIC_STORE_TIME, "read", 5001);
    stg_metric_observe(STG_METRIC_STORE_TIME, "read", apr_time_from_sec(86400));
    CU_ASSERT(
        has_line("staging_store_seconds_bucket{op=\"read\",le=\"0.005\"} 1"));
    CU_ASSERT(
        has_line("staging_store_seconds_bucket{op=\"read\",le=\"0.01\"} 2"));
    CU_ASSERT(
        has_line("staging_store_seconds_bucket{op=\"read\",le=\"1800\"} 2"));
    CU_ASSERT(
        has_line("staging_store_seconds_bucket{op=\"read\",le=\"+Inf\"} 3"));
    CU_ASSERT(has_line("staging_store_seconds_sum{op=\"read\"} 86400.010001"));
    CU_ASSERT(has_line("staging_store_seconds_count{op=\"read\"} 3"));
    CU_ASSERT(has_line("staging_store_seconds_count{op=\"list\"} 0"));
    CU_ASSERT(has_line("staging_upload_seconds_bucket{le=\"0.005\"} 0"));
}

void stg_metrics_suite(void)
{
    CU_pSuite suite = CU_add_suite("metrics", set_up, tear_down);

    STG_TEST(suite, counters_add_up);
    STG_TEST(suite, series_are_told_apart_by_their_labels);
    STG_TEST(suite, gauges_rise_sink_and_are_set);
    STG_TEST(suite, what_a_dead_process_held_is_held_by_nobody);
    STG_TEST(suite, histograms_accumulate_from_bucket_to_bucket);
}
