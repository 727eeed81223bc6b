/* SPDX-License-Identifier: Apache-2.0 */
#include "part_fixture.h"

#include <apr_strings.h>

#include <stdlib.h>

static void bytes_of_many_requests_are_one_object_with_its_digests(void)
{
    core_t core;

    core_begin(&core);
    srand(7);
    for (int round = 0; round < 12; round++) {
        stg_store_t *store = round % 2 ? core.memory : core.file;
        const char *id = part_begin(&core, store, "NULL");
        stg_part_upload_t *upload;
        int total = 0;

        for (int i = rand() % 9; i >= 0; i--) {
            int count = rand() % (i % 3 ? 3000 : 40000);

            part_append(&core, &core.staging, store, id, count);
            part_expect_no_difference(&core);
            total += count;
        }
        upload = part_take(&core.staging, id, core.p);
        id = part_complete(&core, store, upload, id);
        part_expect(&core, store, id, total);
        part_expect_no_difference(&core);
        core_gc(&core);
        part_expect(&core, store, id, total);
        part_expect_no_difference(&core);
        STG_CHECK_TEXT(core_ask(&core, "SELECT count(*) FROM part_upload"),
                       "0");
    }
    core_end(&core);
}

/* As after a crash: nothing of the process that received them is there. */
static void promised_bytes_outlive_the_process(void)
{
    core_t core;
    stg_staging_t other;
    stg_part_upload_t *upload;
    const char *id;

    core_begin(&core);
    for (int i = 0; i < 2; i++) {
        stg_store_t *store = i ? core.memory : core.file;

        id = part_begin(&core, store, "30000");
        part_append(&core, &core.staging, store, id, 9999);
        other = core_other_node(&core);
        upload = part_take(&core.staging, id, core.p);
        STG_CHECK_OK(part_write(part_sink(upload, store), 9999, 10000));
        core_sql(&core, "DELETE FROM node WHERE id = '%s'", upload->node);
        upload = part_take(&other, id, core.p);
        CU_ASSERT_EQUAL(stg_part_upload_offset(upload), 9999);
        STG_CHECK_OK(part_write(part_sink(upload, store), 9999, 20001));
        id = part_complete(&core, store, upload, id);
        part_expect(&core, store, id, 30000);
        core.staging.node = other.node;
    }
    core_end(&core);
}

static void tails_follow_one_another(void)
{
    core_t core;
    const char *id;
    const char *tail;

    core_begin(&core);
    id = part_begin(&core, core.memory, "NULL");
    part_append(&core, &core.staging, core.memory, id, 100);
    tail = part_row(&core, id, "tail");
    STG_CHECK_TEXT(core_state(&core, tail), "stored");
    part_append(&core, &core.staging, core.memory, id, 200);
    STG_CHECK_TEXT(core_state(&core, tail), "deleting");
    tail = part_row(&core, id, "tail");
    part_append(&core, &core.staging, core.memory, id, 0);
    STG_CHECK_TEXT(part_row(&core, id, "tail"), tail);
    core_gc(&core);
    CU_ASSERT_EQUAL(part_things(&core, core.memory), 1);
    part_append(&core, &core.staging, core.memory, id, 4096 - 300);
    STG_CHECK_TEXT(part_row(&core, id, "tail"), "null");
    STG_CHECK_TEXT(core_ask(&core, "SELECT count(*) FROM part"), "1");
    core_gc(&core);
    CU_ASSERT_EQUAL(part_things(&core, core.memory), 1);
    core_end(&core);
}

static void a_changed_tail_is_not_gone_on_with(void)
{
    core_t core;
    stg_part_upload_t *upload;
    stg_transfer_plan_t plan;
    stg_sink_t *sink;
    const char *id;

    core_begin(&core);
    id = part_begin(&core, core.memory, "NULL");
    part_append(&core, &core.staging, core.memory, id, 100);
    core_sql(&core, "UPDATE object SET sha256 = 'x' WHERE tail_of = '%s'", id);
    plan = part_plan(core.memory);
    upload = part_take(&core.staging, id, core.p);
    STG_CHECK_FAILS(stg_part_upload_open(&sink, upload, &plan), STG_E_GONE);
    core_end(&core);
}

static void what_is_dropped_was_never_there(void)
{
    core_t core;
    stg_part_upload_t *upload;
    const char *id;

    core_begin(&core);
    for (int i = 0; i < 2; i++) {
        stg_store_t *store = i ? core.memory : core.file;
        char bytes[9000];

        id = part_begin(&core, store, "10000");
        part_append(&core, &core.staging, store, id, 1000);
        upload = part_take(&core.staging, id, core.p);
        part_pattern(bytes, 1000, sizeof(bytes), 99);
        STG_CHECK_OK(stg_sink_write(part_sink(upload, store), bytes, 9000));
        stg_part_upload_drop(upload);
        stg_part_upload_release(upload);
        upload = part_take(&core.staging, id, core.p);
        CU_ASSERT_EQUAL(stg_part_upload_offset(upload), 1000);
        STG_CHECK_OK(part_write(part_sink(upload, store), 1000, 9000));
        id = part_complete(&core, store, upload, id);
        part_expect(&core, store, id, 10000);
    }
    core_end(&core);
}

static void what_was_cut_is_never_whole(void)
{
    core_t core;
    stg_part_upload_t *upload;
    const char *id;

    core_begin(&core);
    for (int i = 0; i < 2; i++) {
        stg_store_t *store = i ? core.memory : core.file;

        id = part_begin(&core, store, "8192");
        upload = part_take(&core.staging, id, core.p);
        STG_CHECK_OK(part_write(part_sink(upload, store), 0, 8192));
        STG_CHECK_OK(stg_part_upload_commit(upload));
        CU_ASSERT_EQUAL(stg_part_upload_offset(upload), 8191);
        stg_part_upload_release(upload);
        part_append(&core, &core.staging, store, id, 1);
        upload = part_take(&core.staging, id, core.p);
        CU_ASSERT_EQUAL(stg_part_upload_offset(upload), 8192);
        id = part_complete(&core, store, upload, id);
        part_expect(&core, store, id, 8192);
    }
    core_end(&core);
}

static void more_than_was_declared_is_refused(void)
{
    core_t core;
    stg_part_upload_t *upload;
    stg_transfer_plan_t plan;
    stg_sink_t *sink;
    const char *id;

    core_begin(&core);
    id = part_begin(&core, core.file, "NULL");
    part_append(&core, &core.staging, core.file, id, 10);
    upload = part_take(&core.staging, id, core.p);
    STG_CHECK_FAILS(stg_part_upload_declare(upload, 9, &no_quota),
                    STG_E_INVALID);
    STG_CHECK_OK(stg_part_upload_declare(upload, 20, &no_quota));
    STG_CHECK_OK(stg_part_upload_declare(upload, 20, &no_quota));
    STG_CHECK_FAILS(stg_part_upload_declare(upload, 21, &no_quota),
                    STG_E_INVALID);
    STG_CHECK_FAILS(part_write(part_sink(upload, core.file), 10, 11),
                    STG_E_TOO_LARGE);
    stg_part_upload_release(upload);
    STG_CHECK_TEXT(part_row(&core, id, "size"), "20");
    id = part_begin(&core, core.file, "NULL");
    upload = part_take(&core.staging, id, core.p);
    plan = part_plan(core.file);
    plan.max_size = 5;
    STG_CHECK_OK(stg_part_upload_open(&sink, upload, &plan));
    STG_CHECK_FAILS(part_write(sink, 0, 6), STG_E_TOO_LARGE);
    core_end(&core);
}

static void small_object_is_stored_at_once(void)
{
    core_t core;
    stg_part_upload_t *upload;
    const char *gathered;
    const char *id;

    core_begin(&core);
    for (int i = 0; i < 4; i++) {
        stg_store_t *store = i % 2 ? core.memory : core.file;
        int size = i / 2 * 77;

        id = part_begin(&core, store, apr_itoa(core.p, size));
        upload = part_take(&core.staging, id, core.p);
        STG_CHECK_OK(part_write(part_sink(upload, store), 0, size));
        gathered = id;
        id = part_complete(&core, store, upload, id);
        CU_ASSERT(strcmp(id, gathered) != 0);
        part_expect(&core, store, id, size);
    }
    core_end(&core);
}

/* The process dies between the store and the database. */
static void storing_it_whole_can_be_repeated(void)
{
    core_t core;
    stg_part_upload_t *upload;
    stg_transfer_plan_t plan;
    const char *id;

    core_begin(&core);
    for (int i = 0; i < 2; i++) {
        stg_store_t *store = i ? core.memory : core.file;

        id = part_begin(&core, store, "77");
        for (int attempt = 0; attempt < 2; attempt++) {
            plan = part_plan(store);
            upload = part_take(&core.staging, id, core.p);
            CU_ASSERT_EQUAL(stg_part_upload_offset(upload), 0);
            STG_CHECK_OK(part_write(part_sink(upload, store), 0, 77));
            STG_CHECK_OK(stg_part_upload_settle(upload, &plan));
            STG_CHECK_OK(stg_part_upload_store(upload));
            stg_part_upload_release(upload);
            core_gc(&core);
            part_expect_no_difference(&core);
        }
        upload = part_take(&core.staging, id, core.p);
        STG_CHECK_OK(part_write(part_sink(upload, store), 0, 77));
        id = part_complete(&core, store, upload, id);
        part_expect(&core, store, id, 77);
    }
    core_end(&core);
}

/* Parts that were to be the last, but the database did not take the object. */
static void storing_its_parts_can_be_repeated(void)
{
    core_t core;
    stg_part_upload_t *upload;
    stg_transfer_plan_t plan;
    const char *id;

    core_begin(&core);
    for (int i = 0; i < 2; i++) {
        stg_store_t *store = i ? core.memory : core.file;

        id = part_begin(&core, store, "NULL");
        part_append(&core, &core.staging, store, id, 10000);
        plan = part_plan(store);
        upload = part_take(&core.staging, id, core.p);
        STG_CHECK_OK(part_write(part_sink(upload, store), 10000, 10000));
        STG_CHECK_OK(stg_part_upload_settle(upload, &plan));
        STG_CHECK_OK(stg_part_upload_store(upload));
        stg_part_upload_release(upload);
        part_expect_no_difference(&core);
        part_append(&core, &core.staging, store, id, 5000);
        upload = part_take(&core.staging, id, core.p);
        CU_ASSERT_EQUAL(stg_part_upload_offset(upload), 15000);
        id = part_complete(&core, store, upload, id);
        part_expect(&core, store, id, 15000);
    }
    core_end(&core);
}

static void count_progress(void *context, apr_off_t offset)
{
    *(apr_off_t *)context = offset;
}

/* A second has to pass. */
static void progress_is_promised_while_bytes_come(void)
{
    core_t core;
    apr_off_t seen[2] = {0, 0};

    core_begin(&core);
    for (int i = 0; i < 2; i++) {
        const char *id = part_begin(&core, core.memory, "NULL");
        stg_part_upload_t *upload = part_take(&core.staging, id, core.p);
        stg_transfer_plan_t plan = part_plan(core.memory);
        stg_sink_t *sink;

        plan.is_held_back = i;
        plan.on_progress = count_progress;
        plan.context = &seen[i];
        STG_CHECK_OK(stg_part_upload_open(&sink, upload, &plan));
        STG_CHECK_OK(part_write(sink, 0, 5000));
        apr_sleep(apr_time_from_msec(1100));
        STG_CHECK_OK(part_write(sink, 5000, 5000));
        apr_sleep(apr_time_from_msec(300));
        STG_CHECK_OK(part_write(sink, 10000, 100));
        CU_ASSERT_EQUAL(stg_part_upload_offset(upload), i ? 0 : 8192);
        CU_ASSERT_EQUAL(seen[i], i ? 0 : 8192);
        STG_CHECK_TEXT(part_row(&core, id, "acknowledged"), i ? "0" : "8192");
        id = part_complete(&core, core.memory, upload, id);
        part_expect(&core, core.memory, id, 10100);
    }
    core_end(&core);
}
void stg_part_uploads_suite(void)
{
    CU_pSuite suite = CU_add_suite("part uploads", NULL, NULL);

    STG_TEST(suite, bytes_of_many_requests_are_one_object_with_its_digests);
    STG_TEST(suite, promised_bytes_outlive_the_process);
    STG_TEST(suite, tails_follow_one_another);
    STG_TEST(suite, a_changed_tail_is_not_gone_on_with);
    STG_TEST(suite, what_is_dropped_was_never_there);
    STG_TEST(suite, what_was_cut_is_never_whole);
    STG_TEST(suite, more_than_was_declared_is_refused);
    STG_TEST(suite, small_object_is_stored_at_once);
    STG_TEST(suite, storing_it_whole_can_be_repeated);
    STG_TEST(suite, storing_its_parts_can_be_repeated);
    STG_TEST(suite, progress_is_promised_while_bytes_come);
}
