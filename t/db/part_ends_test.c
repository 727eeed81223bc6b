/* SPDX-License-Identifier: Apache-2.0 */
#include "part_fixture.h"

#include "core/reconcile.h"

#include <apr_strings.h>

#include <stdlib.h>

static void expired_upload_leaves_nothing(void)
{
    core_t core;
    stg_part_upload_t *none;
    const char *ids[2];

    core_begin(&core);
    for (int i = 0; i < 2; i++) {
        ids[i] = part_begin(&core, i ? core.memory : core.file, "NULL");
        part_append(&core, &core.staging, i ? core.memory : core.file, ids[i],
                    5000);
    }
    CU_ASSERT(core_gc(&core) >= 0);
    STG_CHECK_TEXT(core_ask(&core, "SELECT count(*) FROM part_upload"), "2");
    core_sql(&core, "UPDATE part_upload SET expires = now()");
    STG_CHECK_FAILS(stg_part_upload_take(&none, &core.staging, ids[0], core.p),
                    STG_E_NOT_FOUND);
    part_expect_nothing_left(&core);
    STG_CHECK_TEXT(
        core_ask(&core, "SELECT string_agg(status, ' ') FROM upload"),
        "failure failure");
    STG_CHECK_TEXT(
        core_ask(&core, "SELECT string_agg(state, ' ') FROM resumable"),
        "expired expired");
    core_end(&core);
}

/* It would be cut, by the commit that is too late; not in the midst. */
static void what_is_held_does_not_expire(void)
{
    core_t core;
    stg_part_upload_t *upload;
    const char *id;

    core_begin(&core);
    id = part_begin(&core, core.file, "NULL");
    upload = part_take(&core.staging, id, core.p);
    STG_CHECK_OK(part_write(part_sink(upload, core.file), 0, 10));
    core_sql(&core, "UPDATE part_upload SET expires = now()");
    core_gc(&core);
    STG_CHECK_TEXT(core_state(&core, id), "gathering");
    STG_CHECK_OK(stg_part_upload_commit(upload));
    CU_ASSERT(stg_part_upload_expires(upload) >
              apr_time_now() + apr_time_from_sec(3500));
    STG_CHECK_OK(part_write(part_sink(upload, core.file), 10, 10));
    core_sql(&core, "UPDATE part_upload SET lifetime_end = now()");
    STG_CHECK_FAILS(stg_part_upload_commit(upload), STG_E_NOT_FOUND);
    CU_ASSERT_EQUAL(stg_part_upload_offset(upload), 10);
    stg_part_upload_release(upload);
    core_sql(&core, "UPDATE part_upload SET expires = now()");
    part_expect_nothing_left(&core);
    core_end(&core);
}

static void deleted_while_held_leaves_nothing(void)
{
    core_t core;
    stg_part_upload_t *upload;
    stg_transfer_plan_t plan;
    const char *id;

    core_begin(&core);
    for (int i = 0; i < 2; i++) {
        stg_store_t *store = i ? core.memory : core.file;

        plan = part_plan(store);
        id = part_begin(&core, store, "NULL");
        part_append(&core, &core.staging, store, id, 5000);
        upload = part_take(&core.staging, id, core.p);
        STG_CHECK_OK(part_write(part_sink(upload, store), 5000, 5000));
        STG_CHECK_OK(stg_db_query(NULL, core.staging.db, STG_Q_UPLOAD_DELETE,
                                  core.p, STG_PARAMS(id, "service", "owner")));
        core_gc(&core);
        STG_CHECK_TEXT(core_state(&core, id), "deleting");
        STG_CHECK_FAILS(stg_part_upload_commit(upload), STG_E_NOT_FOUND);
        STG_CHECK_OK(stg_part_upload_settle(upload, &plan));
        STG_CHECK_FAILS(stg_part_upload_store(upload), STG_E_NOT_FOUND);
        stg_part_upload_release(upload);
        part_expect_nothing_left(&core);
        STG_CHECK_TEXT(
            core_ask(&core, "SELECT state FROM resumable WHERE id = '%s'", id),
            "deleted");
    }
    core_end(&core);
}

static void what_the_store_has_lost_is_gone(void)
{
    core_t core;
    stg_part_upload_t *upload;
    const char *id;

    core_begin(&core);
    id = part_begin(&core, core.file, "NULL");
    part_append(&core, &core.staging, core.file, id, 5000);
    CU_ASSERT_EQUAL(
        system(apr_pstrcat(core.p, "rm -r ", core.dir, "/tmp/*", NULL)), 0);
    upload = part_take(&core.staging, id, core.p);
    STG_CHECK_OK(part_write(part_sink(upload, core.file), 5000, 10));
    STG_CHECK_FAILS(stg_part_upload_commit(upload), STG_E_GONE);
    CU_ASSERT_EQUAL(stg_part_upload_offset(upload), 5000);
    stg_part_upload_release(upload);
    STG_CHECK_TEXT(part_row(&core, id, "segment"), "2");
    core_end(&core);
}

/* A row is changed by nobody but us: what a crash of the database, or a hand,
 * has done is found. */
static void parts_that_do_not_add_up_are_found(void)
{
    static const char *const damages[] = {
        "DELETE FROM part", "DELETE FROM part_upload",
        "UPDATE part_upload SET acknowledged = 4000",
        "UPDATE part_upload SET tail = NULL",
        "UPDATE object SET state = 'deleting' WHERE tail_of IS NOT NULL"};
    stg_check_t check = {.report = part_ignore, .mode = STG_CHECK_REPAIR};
    core_t core;

    core_begin(&core);
    for (int i = 0; i < 5; i++) {
        const char *id = part_begin(&core, core.memory, "NULL");

        part_append(&core, &core.staging, core.memory, id, 5000);
        part_expect_no_difference(&core);
        core_sql(&core, "%s", damages[i]);
        check.repaired = 0;
        STG_CHECK_OK(stg_check_run(&check, &core.staging, core.p));
        CU_ASSERT_EQUAL(check.repaired, 1);
        part_expect_no_difference(&core);
        STG_CHECK_TEXT(
            core_ask(&core, "SELECT status FROM upload WHERE id = '%s'", id),
            "failure");
        part_expect_nothing_left(&core);
    }
    core_end(&core);
}

static void parts_without_a_row_are_removed(void)
{
    stg_check_t check = {.report = part_ignore, .mode = STG_CHECK_REPAIR};
    core_t core;

    core_begin(&core);
    part_append(&core, &core.staging, core.file,
                part_begin(&core, core.file, "NULL"), 5000);
    part_append(&core, &core.staging, core.memory,
                part_begin(&core, core.memory, "NULL"), 5000);
    core_sql(&core, "DELETE FROM upload; DELETE FROM object");
    STG_CHECK_OK(stg_check_run(&check, &core.staging, core.p));
    CU_ASSERT_EQUAL(check.differences, 3); /* a tail, too */
    CU_ASSERT_EQUAL(check.repaired, 3);
    part_expect_nothing_left(&core);
    core_end(&core);
}

static void tombstones_go_in_their_time(void)
{
    core_t core;
    const char *id;

    core_begin(&core);
    id = part_begin(&core, core.file, "NULL");
    core_sql(&core,
             "DELETE FROM upload;"
             "UPDATE object SET state = 'stored', size = 0, md5 = 'x';"
             "UPDATE resumable SET state = 'complete', concat = 'partial', "
             "expires = now() + interval '1 hour'");
    core_gc(&core);
    STG_CHECK_TEXT(core_state(&core, id), "stored");
    core_sql(&core,
             "UPDATE resumable SET expires = now();"
             "INSERT INTO resumable (id, service, owner, created_in, concat, "
             "partials, algorithms) VALUES (gen_random_uuid(), 'service', "
             "'owner', 'tus', 'final', '{%s}', '')",
             id);
    core_gc(&core);
    STG_CHECK_TEXT(core_state(&core, id), "stored");
    core_sql(&core, "UPDATE resumable SET state = 'complete'");
    core_gc(&core);
    STG_CHECK_TEXT(core_state(&core, id), "");
    STG_CHECK_TEXT(core_ask(&core, "SELECT count(*) FROM resumable"), "1");
    core_end(&core);
}

static void nothing_is_taken_without_a_lease(void)
{
    core_t core;
    stg_part_upload_t *none;
    const char *id;

    core_begin(&core);
    id = part_begin(&core, core.file, "NULL");
    STG_CHECK_OK(stg_node_retire(core.staging.node, core.staging.db, core.p));
    STG_CHECK_FAILS(stg_part_upload_take(&none, &core.staging, id, core.p),
                    STG_E_BUSY);
    core_end(&core);
}

void stg_part_ends_suite(void)
{
    CU_pSuite suite = CU_add_suite("part ends", NULL, NULL);

    STG_TEST(suite, expired_upload_leaves_nothing);
    STG_TEST(suite, what_is_held_does_not_expire);
    STG_TEST(suite, deleted_while_held_leaves_nothing);
    STG_TEST(suite, what_the_store_has_lost_is_gone);
    STG_TEST(suite, parts_that_do_not_add_up_are_found);
    STG_TEST(suite, parts_without_a_row_are_removed);
    STG_TEST(suite, tombstones_go_in_their_time);
    STG_TEST(suite, nothing_is_taken_without_a_lease);
}
