/* SPDX-License-Identifier: Apache-2.0 */
#include "core_fixture.h"

#include <apr_strings.h>

#include <sys/wait.h>
#include <unistd.h>

static void stored_object_has_its_bytes_and_digests(void)
{
    core_t core;
    staged_t staged;

    core_begin(&core);
    staged = core_store(&core, core.file, 3);
    STG_CHECK_TEXT(core_state(&core, staged.id), "stored");
    CU_ASSERT(core_has_bytes(&core, core.file, staged.id));
    STG_CHECK_TEXT(stg_object_digest(staged.object, STG_MD5),
                   "693e9af84d3dfcc71e640e005bdc5e2e");
    CU_ASSERT_PTR_NULL(stg_object_digest(staged.object, STG_SHA1));
    core_gc(&core);
    CU_ASSERT(core_has_bytes(&core, core.file, staged.id));
    core_end(&core);
}

static void deleted_object_loses_bytes_then_row(void)
{
    core_t core;
    staged_t staged;

    core_begin(&core);
    staged = core_store(&core, core.file, 100);
    core_sql(&core, "UPDATE object SET state = 'deleting'");
    CU_ASSERT_EQUAL(core_gc(&core), 1);
    STG_CHECK_TEXT(core_state(&core, staged.id), "");
    CU_ASSERT_FALSE(core_has_bytes(&core, core.file, staged.id));
    core_end(&core);
}

static void what_a_living_node_receives_is_left_alone(void)
{
    core_t core;
    staged_t receiving;
    staged_t deleted;

    core_begin(&core);
    receiving = core_stage(&core, core.file, 100);
    deleted = core_stage(&core, core.file, 100);
    core_sql(&core, "UPDATE object SET state = 'deleting' WHERE id = '%s'",
             deleted.id);
    CU_ASSERT_EQUAL(core_gc(&core), 0);
    STG_CHECK_TEXT(core_state(&core, receiving.id), "receiving");
    STG_CHECK_TEXT(core_state(&core, deleted.id), "deleting");
    stg_object_discard(deleted.object);
    CU_ASSERT_EQUAL(core_gc(&core), 1);
    STG_CHECK_TEXT(core_state(&core, deleted.id), "");
    core_end(&core);
}

static void object_of_a_dead_node_is_collected_with_its_bytes(void)
{
    core_t core;
    staged_t staged;

    core_begin(&core);
    staged = core_stage(&core, core.file, 100);
    STG_CHECK_OK(stg_object_commit(staged.object));
    CU_ASSERT(core_has_bytes(&core, core.file, staged.id));
    /* as if killed before it could tell the database */
    STG_CHECK_OK(stg_node_retire(core.staging.node, core.staging.db, core.p));
    CU_ASSERT_EQUAL(core_gc(&core), 2);
    STG_CHECK_TEXT(core_state(&core, staged.id), "");
    CU_ASSERT_FALSE(core_has_bytes(&core, core.file, staged.id));
    core_end(&core);
}

static void discarded_object_leaves_nothing_after_gc(void)
{
    core_t core;
    staged_t sent;
    staged_t committed;

    core_begin(&core);
    sent = core_stage(&core, core.file, 100);
    committed = core_stage(&core, core.file, 100);
    STG_CHECK_OK(stg_object_commit(committed.object));
    stg_object_discard(sent.object);
    stg_object_discard(committed.object);
    CU_ASSERT_FALSE(core_has_bytes(&core, core.file, committed.id));
    core_gc(&core);
    STG_CHECK_TEXT(core_state(&core, sent.id), "");
    STG_CHECK_TEXT(core_state(&core, committed.id), "");
    core_end(&core);
}

/* The answer of the database was lost, but it has taken the object. */
static void complete_object_cannot_be_discarded(void)
{
    core_t core;
    staged_t staged;

    core_begin(&core);
    staged = core_store(&core, core.file, 100);
    stg_object_discard(staged.object);
    core_gc(&core);
    STG_CHECK_TEXT(core_state(&core, staged.id), "stored");
    CU_ASSERT(core_has_bytes(&core, core.file, staged.id));
    core_end(&core);
}

static const char *upload_status(core_t *core, const char *id)
{
    stg_rows_t *rows;

    STG_CHECK_OK(stg_db_query(&rows, core->staging.db, STG_Q_UPLOAD_FIND,
                              core->p, STG_PARAMS(id, "service", "owner")));
    return stg_rows_count(rows) ? stg_rows_text(rows, 0, "status") : "";
}

/* A failure would keep the bytes that the job goes on to finish. */
static void upload_taken_for_complete_cannot_fail(void)
{
    core_t core;
    staged_t staged;

    core_begin(&core);
    staged = core_store(&core, core.memory, 10000);
    STG_CHECK_TEXT(core_state(&core, staged.id), "finishing");
    STG_CHECK_OK(
        stg_db_query(NULL, core.staging.db, STG_Q_UPLOAD_FAILED, core.p,
                     STG_PARAMS(staged.id, "label", "the answer was lost")));
    STG_CHECK_TEXT(upload_status(&core, staged.upload), "pending");
    core_end(&core);
}

static void parts_without_an_id_are_not_accepted(void)
{
    core_t core;
    staged_t staged;
    stg_rows_t *rows;

    core_begin(&core);
    staged = core_stage(&core, core.memory, 10000);
    STG_CHECK_OK(stg_object_commit(staged.object));
    core_sql(&core, "UPDATE object SET parts_id = NULL");
    STG_CHECK_OK(stg_db_query(
        &rows, core.staging.db, STG_Q_UPLOAD_RECEIVED, core.p,
        STG_PARAMS(staged.id, stg_node_id(core.staging.node), "label", "10000",
                   NULL, NULL, NULL, NULL, NULL, "finishing")));
    CU_ASSERT_EQUAL(stg_rows_count(rows), 0);
    STG_CHECK_TEXT(core_state(&core, staged.id), "receiving");
    core_end(&core);
}

static void object_let_go_later_is_collected(void)
{
    core_t core;
    staged_t staged;

    core_begin(&core);
    staged = core_stage(&core, core.memory, 100);
    stg_node_let_go_later(core.staging.node, staged.id);
    CU_ASSERT_EQUAL(core_gc(&core), 0);
    STG_CHECK_OK(
        stg_node_settle_debts(core.staging.node, core.staging.db, core.p));
    CU_ASSERT_EQUAL(core_gc(&core), 2);
    STG_CHECK_TEXT(core_state(&core, staged.id), "");
    core_end(&core);
}

static void nothing_is_received_or_committed_without_a_lease(void)
{
    core_t core;
    staged_t staged;
    stg_object_t *object = NULL;
    stg_object_plan_t plan = {.size = -1};

    core_begin(&core);
    staged = core_stage(&core, core.file, 100);
    plan.store = core.file;
    plan.id = staged.id;
    STG_CHECK_OK(stg_node_retire(core.staging.node, core.staging.db, core.p));
    STG_CHECK_FAILS(stg_object_commit(staged.object), STG_E_BUSY);
    STG_CHECK_FAILS(stg_object_receive(&object, &core.staging, &plan, core.p),
                    STG_E_BUSY);
    /* A new lease has another name. */
    STG_CHECK_OK(stg_node_renew(core.staging.node, core.staging.db, core.p));
    STG_CHECK_FAILS(stg_object_commit(staged.object), STG_E_BUSY);
    CU_ASSERT_FALSE(core_has_bytes(&core, core.file, staged.id));
    core_end(&core);
}

static void lease_that_ran_out_is_taken_up_again_before_the_burial(void)
{
    core_t core;
    staged_t staged;
    const char *id;
    int buried;

    core_begin(&core);
    staged = core_stage(&core, core.file, 100);
    id = stg_node_id(core.staging.node);
    core_sql(&core, "UPDATE node SET expires = now() - interval '10 minutes'");
    STG_CHECK_OK(stg_node_bury(&buried, core.staging.db, core.p));
    CU_ASSERT_EQUAL(buried, 0);
    STG_CHECK_OK(stg_node_renew(core.staging.node, core.staging.db, core.p));
    STG_CHECK_TEXT(stg_node_id(core.staging.node), id);
    STG_CHECK_OK(stg_object_commit(staged.object));
    core_end(&core);
}

static void node_is_buried_when_suspected_long_enough(void)
{
    core_t core;
    const char *id;
    int suspects;
    int buried;

    core_begin(&core);
    id = stg_node_id(core.staging.node);
    core_sql(&core, "UPDATE node SET expires = now() - interval '1 minute'");
    STG_CHECK_OK(stg_node_bury(&buried, core.staging.db, core.p));
    STG_CHECK_OK(stg_node_suspects(&suspects, core.staging.db, core.p));
    CU_ASSERT_EQUAL(suspects, 1);
    core_sql(&core, "UPDATE node SET suspected = now() - interval '25 s'");
    STG_CHECK_OK(stg_node_bury(&buried, core.staging.db, core.p));
    CU_ASSERT_EQUAL(buried, 1);
    STG_CHECK_OK(stg_node_renew(core.staging.node, core.staging.db, core.p));
    CU_ASSERT_STRING_NOT_EQUAL(stg_node_id(core.staging.node), id);
    CU_ASSERT(stg_node_is_alive(core.staging.node));
    core_end(&core);
}

/* The database was away since: what was thought then counts no more. */
static void old_suspicion_begins_anew(void)
{
    core_t core;
    int buried;

    core_begin(&core);
    core_sql(&core, "UPDATE node SET expires = now() - interval '10 minutes', "
                    "suspected = now() - interval '10 minutes'");
    STG_CHECK_OK(stg_node_bury(&buried, core.staging.db, core.p));
    CU_ASSERT_EQUAL(buried, 0);
    core_end(&core);
}

/* A process that ended and that nobody has waited for. */
static pid_t zombie(void)
{
    siginfo_t info;
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    CU_ASSERT_FATAL(pid > 0);
    CU_ASSERT(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
    return pid;
}

static int bury(core_t *core)
{
    int buried = -1;

    STG_CHECK_OK(stg_node_bury(&buried, core->staging.db, core->p));
    return buried;
}

static void node_whose_process_is_gone_is_buried_soon(void)
{
    core_t core;
    pid_t pid = zombie();

    core_begin(&core);
    core_sql(&core,
             "INSERT INTO node (id, host, pid, expires) SELECT "
             "gen_random_uuid(), host, %d, now() + interval '1 h' FROM node",
             (int)pid);
    core_sql(&core,
             "INSERT INTO node (id, host, pid, expires) VALUES "
             "(gen_random_uuid(), 'elsewhere', %d, now() + interval '1 h')",
             (int)pid);
    CU_ASSERT_EQUAL(bury(&core), 0);
    core_sql(&core, "UPDATE node SET suspected = suspected - interval '%d s'",
             STG_NODE_GONE_SECONDS);
    CU_ASSERT_EQUAL(bury(&core), 1);
    CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
    core_sql(&core, "UPDATE node SET suspected = suspected - interval '1 h'");
    CU_ASSERT_EQUAL(bury(&core), 0);
    core_end(&core);
}

static stg_error_t *refuse(stg_store_t *store, const stg_unfinished_t *what,
                           int count, apr_pool_t *p)
{
    (void)store;
    (void)what;
    return stg_raise(p, STG_E_STORE_DOWN, "%d cannot be removed", count);
}

static void what_a_store_did_not_remove_is_anybodys_again(void)
{
    stg_store_driver_t down = stg_store_memory_driver;
    stg_staging_t other;
    core_t core;
    int done;

    core_begin(&core);
    core_store(&core, core.memory, 100);
    core_sql(&core, "UPDATE object SET state = 'deleting'");
    down.remove = refuse;
    core.memory->driver = &down;
    STG_CHECK_FAILS(stg_gc_objects(&done, &core.staging, core.p),
                    STG_E_STORE_DOWN);
    CU_ASSERT_EQUAL(done, 0);
    core.memory->driver = &stg_store_memory_driver;
    other = core_other_node(&core);
    STG_CHECK_OK(stg_gc_objects(&done, &other, core.p));
    CU_ASSERT_EQUAL(done, 1);
    core_end(&core);
}

static void what_a_node_is_removing_is_its_own_until_it_dies(void)
{
    stg_staging_t other;
    core_t core;

    core_begin(&core);
    other = core_other_node(&core);
    core_sql(&core, "INSERT INTO object (id, store, state) VALUES "
                    "(gen_random_uuid(), 'memory', 'deleting')");
    STG_CHECK_OK(
        stg_db_query(NULL, other.db, STG_Q_GC_CLAIM_OBJECTS, core.p,
                     STG_PARAMS("1000", "{memory}", stg_node_id(other.node))));
    CU_ASSERT_EQUAL(core_gc(&core), 0);
    STG_CHECK_OK(stg_node_retire(other.node, other.db, core.p));
    CU_ASSERT_EQUAL(core_gc(&core), 1);
    core_end(&core);
}

static void batch_is_collected_by_one_node_only(void)
{
    core_t core;
    stg_staging_t other;
    int mine = 0;
    int others = 0;

    core_begin(&core);
    other = core_other_node(&core);
    core_sql(&core, "INSERT INTO object (id, store, state) SELECT "
                    "gen_random_uuid(), 'memory', 'deleting' "
                    "FROM generate_series(1, 1500)");
    STG_CHECK_OK(stg_gc_objects(&mine, &core.staging, core.p));
    STG_CHECK_OK(stg_gc_objects(&others, &other, core.p));
    CU_ASSERT_EQUAL(mine, STG_GC_BATCH);
    CU_ASSERT_EQUAL(others, 500);
    core_end(&core);
}

static void objects_of_an_unknown_store_are_left_alone_and_reported(void)
{
    core_t core;
    int done;

    core_begin(&core);
    core_sql(&core,
             "INSERT INTO object (id, store, state) VALUES "
             "('00000000-0000-4000-8000-000000000001', 'lost', 'deleting'),"
             "('00000000-0000-4000-8000-000000000002', 'memory', 'deleting')");
    STG_CHECK_FAILS(stg_gc_objects(&done, &core.staging, core.p),
                    STG_E_STORE_FAILED);
    CU_ASSERT_EQUAL(done, 1);
    STG_CHECK_TEXT(core_state(&core, "00000000-0000-4000-8000-000000000001"),
                   "deleting");
    core_end(&core);
}

static void parts_are_known_before_they_are_sent_and_finished_by_name(void)
{
    core_t core;
    staged_t staged;

    core_begin(&core);
    staged = core_store(&core, core.memory, 10000);
    CU_ASSERT_FALSE(stg_object_is_finished(staged.object));
    STG_CHECK_TEXT(core_state(&core, staged.id), "finishing");
    CU_ASSERT_FALSE(core_has_bytes(&core, core.memory, staged.id));
    for (int i = 0; i < 2; i++) /* again after a lost answer */
        STG_CHECK_OK(stg_object_finish_parts(&core.staging, staged.id, core.p));
    CU_ASSERT(core_has_bytes(&core, core.memory, staged.id));
    core_sql(&core, "UPDATE object SET state = 'deleting'");
    STG_CHECK_FAILS(stg_object_finish_parts(&core.staging, staged.id, core.p),
                    STG_E_NOT_FOUND);
    CU_ASSERT_EQUAL(core_gc(&core), 1);
    CU_ASSERT_FALSE(core_has_bytes(&core, core.memory, staged.id));
    core_end(&core);
}

static void deleted_upload_begins_no_parts(void)
{
    core_t core;
    staged_t staged;
    char *bytes;
    stg_error_t *err;

    core_begin(&core);
    staged = core_stage(&core, core.memory, 10);
    core_sql(&core, "UPDATE object SET state = 'deleting'");
    bytes = apr_pcalloc(core.p, 10000);
    err = stg_sink_write(stg_object_sink(staged.object), bytes, 10000);
    if (!err)
        err = stg_object_commit(staged.object);
    STG_CHECK_FAILS(err, STG_E_NOT_FOUND);
    stg_object_discard(staged.object);
    STG_CHECK_TEXT(err->message,
                   "the upload was deleted while it was being received");
    CU_ASSERT_EQUAL(core_gc(&core), 1);
    core_end(&core);
}

/* What a killed probe leaves is what is there while it runs. */
static void a_probe_has_a_row_that_gc_ends(void)
{
    const char *summary;
    core_t core;

    core_begin(&core);
    STG_CHECK_OK(stg_object_probe(&summary, &core.staging, core.file, core.p));
    CU_ASSERT_PTR_NOT_NULL(summary);
    CU_ASSERT_EQUAL(core_gc(&core), 1);
    STG_CHECK_OK(
        stg_db_query(NULL, core.staging.db, STG_Q_OBJECT_PROBE, core.p,
                     STG_PARAMS("00000000-0000-4000-8000-000000000000", "file",
                                stg_node_id(core.staging.node))));
    CU_ASSERT_EQUAL(core_gc(&core), 0);
    core_sql(&core, "DELETE FROM node");
    CU_ASSERT_EQUAL(core_gc(&core), 1);
    core_end(&core);
}

void stg_objects_suite(void)
{
    CU_pSuite suite = CU_add_suite("objects", NULL, NULL);

    STG_TEST(suite, stored_object_has_its_bytes_and_digests);
    STG_TEST(suite, deleted_object_loses_bytes_then_row);
    STG_TEST(suite, what_a_living_node_receives_is_left_alone);
    STG_TEST(suite, object_of_a_dead_node_is_collected_with_its_bytes);
    STG_TEST(suite, discarded_object_leaves_nothing_after_gc);
    STG_TEST(suite, complete_object_cannot_be_discarded);
    STG_TEST(suite, upload_taken_for_complete_cannot_fail);
    STG_TEST(suite, parts_without_an_id_are_not_accepted);
    STG_TEST(suite, object_let_go_later_is_collected);
    STG_TEST(suite, nothing_is_received_or_committed_without_a_lease);
    STG_TEST(suite, lease_that_ran_out_is_taken_up_again_before_the_burial);
    STG_TEST(suite, node_is_buried_when_suspected_long_enough);
    STG_TEST(suite, old_suspicion_begins_anew);
    STG_TEST(suite, node_whose_process_is_gone_is_buried_soon);
    STG_TEST(suite, what_a_store_did_not_remove_is_anybodys_again);
    STG_TEST(suite, what_a_node_is_removing_is_its_own_until_it_dies);
    STG_TEST(suite, batch_is_collected_by_one_node_only);
    STG_TEST(suite, objects_of_an_unknown_store_are_left_alone_and_reported);
    STG_TEST(suite, parts_are_known_before_they_are_sent_and_finished_by_name);
    STG_TEST(suite, deleted_upload_begins_no_parts);
    STG_TEST(suite, a_probe_has_a_row_that_gc_ends);
}
