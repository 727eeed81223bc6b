/* SPDX-License-Identifier: Apache-2.0 */
#include "part_fixture.h"

#include "base/clock.h"
#include "base/ids.h"

#include <apr_strings.h>
#include <apr_thread_proc.h>

static void released_hold_is_taken_without_a_gap(void)
{
    core_t core;
    stg_part_upload_t *upload;
    const char *id;

    core_begin(&core);
    id = part_begin(&core, core.file, "NULL");
    part_append(&core, &core.staging, core.file, id, 10);
    upload = part_take(&core.staging, id, core.p);
    stg_part_upload_release(upload);
    part_append(&core, &core.staging, core.file, id, 10);
    STG_CHECK_TEXT(part_row(&core, id, "segment"), "1");
    STG_CHECK_TEXT(part_row(&core, id, "next_part"), "3");
    STG_CHECK_TEXT(part_row(&core, id, "holder"), "null");
    core_end(&core);
}

static void newer_request_wins_and_the_older_changes_nothing(void)
{
    core_t core;
    stg_staging_t other;
    stg_part_upload_t *older;
    stg_part_upload_t *newer;
    apr_time_t start;
    const char *id;

    core_begin(&core);
    other = core_other_node(&core);
    for (int i = 0; i < 2; i++) {
        stg_store_t *store = i ? core.memory : core.file;
        char bytes[6000];

        id = part_begin(&core, store, "NULL");
        part_append(&core, &core.staging, store, id, 5000);
        older = part_take(&core.staging, id, core.p);
        part_pattern(bytes, 5000, sizeof(bytes), 99);
        STG_CHECK_OK(
            stg_sink_write(part_sink(older, store), bytes, sizeof(bytes)));
        start = stg_clock_monotonic();
        newer = part_take(&other, id, core.p);
        CU_ASSERT(stg_clock_monotonic() - start >= apr_time_from_sec(3));
        CU_ASSERT(stg_clock_monotonic() - start < apr_time_from_sec(5));
        STG_CHECK_TEXT(part_row(&core, id, "segment"), "2");
        STG_CHECK_FAILS(stg_part_upload_commit(older), STG_E_TAKEN);
        STG_CHECK_FAILS(stg_part_upload_declare(older, 6000, &no_quota),
                        STG_E_TAKEN);
        CU_ASSERT_EQUAL(stg_part_upload_offset(newer), 5000);
        STG_CHECK_OK(part_write(part_sink(newer, store), 5000, 6000));
        STG_CHECK_FAILS(stg_part_upload_commit(older), STG_E_TAKEN);
        stg_part_upload_release(older);
        STG_CHECK_TEXT(part_row(&core, id, "acknowledged"), "5000");
        STG_CHECK_TEXT(part_row(&core, id, "holder"), newer->node);
        id = part_complete(&core, store, newer, id);
        STG_CHECK_TEXT(
            core_ask(&core,
                     "SELECT min(number) >= 10 FROM part WHERE first >= 4096 "
                     "AND first <> 0 AND segment = 2"),
            "true");
        part_expect(&core, store, id, 11000);
    }
    core_end(&core);
}

/* Nobody waits for who is certainly dead. */
static void hold_of_a_dead_node_is_free(void)
{
    core_t core;
    stg_staging_t other;
    stg_part_upload_t *upload;
    apr_time_t start;
    const char *id;

    core_begin(&core);
    other = core_other_node(&core);
    id = part_begin(&core, core.file, "NULL");
    upload = part_take(&core.staging, id, core.p);
    core_sql(&core, "DELETE FROM node WHERE id = '%s'", upload->node);
    start = stg_clock_monotonic();
    upload = part_take(&other, id, core.p);
    CU_ASSERT(stg_clock_monotonic() - start < apr_time_from_sec(2));
    STG_CHECK_TEXT(part_row(&core, id, "segment"), "2");
    stg_part_upload_release(upload);
    core_end(&core);
}

/* What a request that waits for its client gives to be woken. */
static void note_wake(void *context)
{
    __atomic_add_fetch((int *)context, 1, __ATOMIC_RELAXED);
}

static int is_woken(const int *wakes, apr_interval_time_t within)
{
    apr_time_t end = stg_clock_monotonic() + within;

    while (!__atomic_load_n(wakes, __ATOMIC_RELAXED) &&
           stg_clock_monotonic() < end)
        apr_sleep(apr_time_from_msec(10));
    return __atomic_load_n(wakes, __ATOMIC_RELAXED) > 0;
}

static void holder_of_another_node_is_woken(void)
{
    core_t core;
    stg_part_upload_t *upload;
    const char *id;
    int wakes = 0;

    core_begin(&core);
    id = part_begin(&core, core.file, "NULL");
    upload = part_take(&core.staging, id, core.p);
    stg_transfers_wake_with(core.staging.transfers,
                            stg_part_upload_transfer(upload), note_wake,
                            &wakes);
    CU_ASSERT_FALSE(is_woken(&wakes, apr_time_from_msec(1500)));
    core_sql(&core, "UPDATE part_upload SET is_wanted = true");
    CU_ASSERT(is_woken(&wakes, apr_time_from_sec(2)));
    STG_CHECK_FAILS(part_write(part_sink(upload, core.file), 0, 1),
                    STG_E_TAKEN);
    stg_part_upload_release(upload);
    core_end(&core);
}

static void holder_of_what_is_deleted_is_woken(void)
{
    core_t core;
    stg_part_upload_t *upload;
    const char *id;
    int wakes = 0;

    core_begin(&core);
    id = part_begin(&core, core.file, "NULL");
    upload = part_take(&core.staging, id, core.p);
    stg_transfers_wake_with(core.staging.transfers,
                            stg_part_upload_transfer(upload), note_wake,
                            &wakes);
    core_sql(&core, "UPDATE object SET state = 'deleting'");
    CU_ASSERT(is_woken(&wakes, apr_time_from_sec(2)));
    stg_part_upload_release(upload);
    core_end(&core);
}

/* One thread holds, this one wants: it is told at once, and what it had is
 * promised first. */
typedef struct holder_t {
    core_t *core;
    const char *id;
    int is_holding;
    int wakes;
} holder_t;

static void *APR_THREAD_FUNC hold(apr_thread_t *thread, void *data)
{
    holder_t *holder = data;
    stg_part_upload_t *upload;
    apr_pool_t *p;

    (void)thread;
    apr_pool_create(&p, NULL);
    upload = part_take(&holder->core->staging, holder->id, p);
    STG_CHECK_OK(part_write(part_sink(upload, holder->core->file), 0, 100));
    stg_transfers_wake_with(holder->core->staging.transfers,
                            stg_part_upload_transfer(upload), note_wake,
                            &holder->wakes);
    __atomic_store_n(&holder->is_holding, 1, __ATOMIC_RELAXED);
    CU_ASSERT(is_woken(&holder->wakes, apr_time_from_sec(3)));
    stg_transfers_wake_with(holder->core->staging.transfers,
                            stg_part_upload_transfer(upload), NULL, NULL);
    STG_CHECK_OK(stg_part_upload_commit(upload));
    apr_pool_destroy(p);
    return NULL;
}

static void holder_of_this_process_is_woken_at_once(void)
{
    core_t core;
    holder_t holder = {.core = &core};
    stg_part_upload_t *upload;
    apr_thread_t *thread;
    apr_status_t status;
    apr_time_t start;

    core_begin(&core);
    holder.id = part_begin(&core, core.file, "NULL");
    apr_thread_create(&thread, NULL, hold, &holder, core.p);
    while (!__atomic_load_n(&holder.is_holding, __ATOMIC_RELAXED))
        apr_sleep(1000);
    start = stg_clock_monotonic();
    upload = part_take(&core.staging, holder.id, core.p);
    CU_ASSERT(stg_clock_monotonic() - start < apr_time_from_msec(800));
    CU_ASSERT_EQUAL(stg_part_upload_offset(upload), 100);
    apr_thread_join(&status, thread);
    STG_CHECK_TEXT(part_row(&core, holder.id, "segment"), "1");
    stg_part_upload_release(upload);
    core_end(&core);
}

/* The answer to a take, or a release, was lost: a request of the same process
 * knows better. */
static void hold_of_no_request_is_not_waited_for(void)
{
    core_t core;
    stg_part_upload_t *upload;
    apr_time_t start;
    const char *id;

    core_begin(&core);
    id = part_begin(&core, core.file, "NULL");
    core_sql(&core,
             "UPDATE part_upload SET holder = '%s', taken = now(), fence = 9",
             stg_node_id(core.staging.node));
    start = stg_clock_monotonic();
    upload = part_take(&core.staging, id, core.p);
    CU_ASSERT(stg_clock_monotonic() - start < apr_time_from_sec(2));
    STG_CHECK_TEXT(part_row(&core, id, "segment"), "2");
    stg_part_upload_release(upload);
    core_end(&core);
}

static void hold_of_no_request_is_handed_back(void)
{
    core_t core;
    stg_part_upload_t *upload;
    const char *mine;
    const char *id;

    core_begin(&core);
    id = part_begin(&core, core.file, "NULL");
    upload = part_take(&core.staging, id, core.p);
    mine = apr_pstrcat(core.p, id, " ", stg_part_upload_fence(upload), NULL);
    core_sql(&core, "UPDATE part_upload SET taken = now() - interval '59 s'");
    for (int i = 0; i < 3; i++) {
        STG_CHECK_OK(stg_db_query(
            NULL, core.staging.db, STG_Q_PART_UPLOAD_HAND_BACK, core.p,
            STG_PARAMS(upload->node,
                       stg_db_array(&mine, i < 2 ? i : 0, core.p))));
        STG_CHECK_TEXT(part_row(&core, id, "holder IS NULL"),
                       i < 2 ? "false" : "true");
        core_sql(&core,
                 "UPDATE part_upload SET taken = now() - interval '61 s'");
    }
    stg_part_upload_release(upload);
    core_end(&core);
}

/* Its bytes go under the object's own key. */
/* Both have stored all of it, each under a key of his own. */
static void who_stores_the_whole_too_late_touches_nothing(void)
{
    core_t core;
    stg_staging_t other;
    stg_part_upload_t *older;
    stg_part_upload_t *newer;
    stg_transfer_plan_t plan;
    const char *id;

    core_begin(&core);
    other = core_other_node(&core);
    for (int i = 0; i < 2; i++) {
        stg_store_t *store = i ? core.memory : core.file;

        plan = part_plan(store);
        id = part_begin(&core, store, "NULL");
        older = part_take(&core.staging, id, core.p);
        STG_CHECK_OK(part_write(part_sink(older, store), 0, 20));
        STG_CHECK_OK(stg_part_upload_settle(older, &plan));
        newer = part_take(&other, id, core.p);
        STG_CHECK_OK(part_write(part_sink(newer, store), 0, 10));
        STG_CHECK_FAILS(stg_part_upload_store(older), STG_E_TAKEN);
        stg_part_upload_release(newer);
        stg_part_upload_release(older);

        older = part_take(&core.staging, id, core.p);
        STG_CHECK_OK(part_write(part_sink(older, store), 0, 20));
        STG_CHECK_OK(stg_part_upload_settle(older, &plan));
        STG_CHECK_OK(stg_part_upload_store(older));
        newer = part_take(&other, id, core.p);
        STG_CHECK_OK(part_write(part_sink(newer, store), 0, 10));
        id = part_complete(&core, store, newer, id);
        stg_part_upload_release(older);
        part_expect(&core, store, id, 10);
        CU_ASSERT_EQUAL(part_things(&core, store), 1);
    }
    core_end(&core);
}

/* The database has done it, but the answer was lost. */
static void a_commit_can_be_repeated(void)
{
    const stg_part_record_t part = {.number = 1, .segment = 1, .size = 4096};
    stg_part_promise_t promise = {
        .offset = 4096, .digests = "x", .parts = &part, .count = 1};
    core_t core;
    stg_part_upload_t *upload;
    const char *id;

    core_begin(&core);
    id = part_begin(&core, core.file, "NULL");
    upload = part_take(&core.staging, id, core.p);
    for (int i = 0; i < 2; i++) {
        STG_CHECK_OK(stg_part_row_commit(upload, &promise, core.p));
        STG_CHECK_TEXT(part_row(&core, id, "acknowledged"), "4096");
        STG_CHECK_TEXT(core_ask(&core, "SELECT count(*) FROM part"), "1");
    }
    promise.offset = 4095;
    CU_ASSERT_PTR_NOT_NULL(stg_part_row_commit(upload, &promise, core.p));
    stg_part_upload_release(upload);
    core_end(&core);
}

static void a_tail_that_was_given_up_is_not_promised(void)
{
    core_t core;
    stg_part_upload_t *upload;
    stg_part_promise_t promise = {.offset = 10, .digests = "x"};
    const char *tail;
    const char *id;

    core_begin(&core);
    tail = stg_uuid_create(core.p);
    id = part_begin(&core, core.memory, "NULL");
    upload = part_take(&core.staging, id, core.p);
    STG_CHECK_OK(stg_part_row_tail(upload, tail, "memory", core.p));
    core_sql(&core, "UPDATE object SET state = 'deleting' WHERE id = '%s'",
             tail);
    apr_cpystrn(promise.tail.id, tail, sizeof(promise.tail.id));
    promise.tail.size = 10;
    CU_ASSERT_PTR_NOT_NULL(stg_part_row_commit(upload, &promise, core.p));
    STG_CHECK_TEXT(part_row(&core, id, "acknowledged"), "0");
    stg_part_upload_release(upload);
    core_end(&core);
}
void stg_part_holds_suite(void)
{
    CU_pSuite suite = CU_add_suite("part holds", NULL, NULL);

    STG_TEST(suite, released_hold_is_taken_without_a_gap);
    STG_TEST(suite, newer_request_wins_and_the_older_changes_nothing);
    STG_TEST(suite, hold_of_a_dead_node_is_free);
    STG_TEST(suite, holder_of_another_node_is_woken);
    STG_TEST(suite, holder_of_what_is_deleted_is_woken);
    STG_TEST(suite, holder_of_this_process_is_woken_at_once);
    STG_TEST(suite, hold_of_no_request_is_not_waited_for);
    STG_TEST(suite, hold_of_no_request_is_handed_back);
    STG_TEST(suite, who_stores_the_whole_too_late_touches_nothing);
    STG_TEST(suite, a_commit_can_be_repeated);
    STG_TEST(suite, a_tail_that_was_given_up_is_not_promised);
}
