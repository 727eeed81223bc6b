/* SPDX-License-Identifier: Apache-2.0 */
#include "core_fixture.h"

#include "core/reconcile.h"

#include <apr_strings.h>

#include <stdlib.h>

/* Collects "what key" of each difference. */
static void collect(void *context, const char *store, const char *key,
                    const char *what)
{
    apr_array_header_t *lines = context;

    APR_ARRAY_PUSH(lines, const char *) =
        apr_psprintf(lines->pool, "%s %s: %s", store, key, what);
}

static stg_check_t check_run(core_t *core, stg_check_mode_t mode, int is_deep,
                             apr_array_header_t **lines)
{
    stg_check_t check = {.mode = mode, .is_deep = is_deep, .report = collect};

    *lines = apr_array_make(core->p, 4, sizeof(const char *));
    check.context = *lines;
    STG_CHECK_OK(stg_check_run(&check, &core->staging, core->p));
    return check;
}

static int differences(core_t *core)
{
    apr_array_header_t *lines;

    return (int)check_run(core, STG_CHECK_REPORT, 0, &lines).differences;
}

/* One difference of this id and kind is reported, repaired, and gone. */
static void expect(core_t *core, const char *id, const char *what)
{
    apr_array_header_t *lines;
    stg_check_t check = check_run(core, STG_CHECK_REPORT, 0, &lines);

    CU_ASSERT_EQUAL(check.differences, 1);
    CU_ASSERT_EQUAL(check.repaired, 0);
    if (lines->nelts) {
        const char *line = APR_ARRAY_IDX(lines, 0, const char *);

        CU_ASSERT_PTR_NOT_NULL(strstr(line, id));
        STG_CHECK_TEXT(strstr(line, ": "),
                       apr_pstrcat(core->p, ": ", what, NULL));
    }
    check = check_run(core, STG_CHECK_REPAIR, 0, &lines);
    CU_ASSERT_EQUAL(check.differences, 1);
    CU_ASSERT_EQUAL(check.repaired, 1);
    CU_ASSERT_EQUAL(differences(core), 0);
    core_gc(core);
    CU_ASSERT_EQUAL(differences(core), 0);
}

/* Run a command on the file of a stored object. */
static void on_file(core_t *core, const char *command, const staged_t *staged)
{
    const char *line =
        apr_pstrcat(core->p, "F=", core->dir, "/objects/",
                    stg_store_key(staged->id, core->p), "; ", command, NULL);

    CU_ASSERT_EQUAL(system(line), 0);
}

static void rows_forget(core_t *core, const staged_t *staged)
{
    core_sql(core,
             "DELETE FROM upload WHERE id = '%s';"
             "DELETE FROM object WHERE id = '%s'",
             staged->upload, staged->id);
}

static const char *status_of(core_t *core, const staged_t *staged)
{
    stg_rows_t *rows;

    STG_CHECK_OK(stg_db_query(&rows, core->staging.db, STG_Q_UPLOAD_FIND,
                              core->p,
                              STG_PARAMS(staged->upload, "service", "owner")));
    return stg_rows_count(rows) ? stg_rows_text(rows, 0, "status") : "";
}

static void what_is_under_way_is_no_difference(void)
{
    core_t core;
    staged_t deleting;

    core_begin(&core);
    core_store(&core, core.file, 10);
    core_stage(&core, core.file, 10);
    core_stage(&core, core.memory, 10000);
    core_store(&core, core.memory, 10000); /* finishing */
    deleting = core_store(&core, core.file, 10);
    core_sql(&core,
             "DELETE FROM upload WHERE id = '%s';"
             "UPDATE object SET state = 'deleting' WHERE id = '%s'",
             deleting.upload, deleting.id);
    CU_ASSERT_EQUAL(differences(&core), 0);
    core_end(&core);
}

static void object_without_a_row_is_removed(void)
{
    core_t core;
    staged_t staged;

    core_begin(&core);
    core_store(&core, core.file, 10);
    staged = core_store(&core, core.file, 10);
    rows_forget(&core, &staged);
    expect(&core, staged.id, "an object without a row");
    CU_ASSERT_FALSE(core_has_bytes(&core, core.file, staged.id));
    core_end(&core);
}

static void temporary_file_without_a_row_is_removed(void)
{
    core_t core;
    staged_t staged;

    core_begin(&core);
    core_store(&core, core.file, 10);
    staged = core_stage(&core, core.file, 10);
    rows_forget(&core, &staged);
    expect(&core, staged.id, "unfinished bytes without a row");
    core_end(&core);
}

static void unfinished_bytes_beside_an_object_are_removed(void)
{
    core_t core;
    staged_t staged;

    core_begin(&core);
    staged = core_store(&core, core.file, 10);
    on_file(&core, "cp $F $(dirname $F)/../../tmp/$(basename $F)", &staged);
    expect(&core, staged.id, "unfinished bytes beside a stored object");
    CU_ASSERT(core_has_bytes(&core, core.file, staged.id));
    core_end(&core);
}

static void upload_whose_bytes_are_lost_is_a_failure(void)
{
    core_t core;
    staged_t staged;

    core_begin(&core);
    core_store(&core, core.file, 10);
    staged = core_store(&core, core.file, 10);
    on_file(&core, "rm $F", &staged);
    STG_CHECK_TEXT(status_of(&core, &staged), "success");
    expect(&core, staged.id, "the bytes were lost");
    STG_CHECK_TEXT(status_of(&core, &staged), "failure");
    core_end(&core);
}

static void object_of_another_size_is_found(void)
{
    core_t core;
    staged_t staged;

    core_begin(&core);
    staged = core_store(&core, core.file, 10);
    on_file(&core, "chmod u+w $F && echo >>$F", &staged);
    expect(&core, staged.id, "the bytes have another size");
    STG_CHECK_TEXT(status_of(&core, &staged), "failure");
    core_end(&core);
}

static void damaged_bytes_are_found_by_reading_them(void)
{
    core_t core;
    staged_t staged;
    apr_array_header_t *lines;
    stg_check_t check;

    core_begin(&core);
    core_store(&core, core.file, 10);
    staged = core_store(&core, core.file, 10);
    CU_ASSERT_EQUAL(check_run(&core, STG_CHECK_REPORT, 1, &lines).differences,
                    0);
    on_file(&core, "chmod u+w $F && printf 0123456789 >$F", &staged);
    CU_ASSERT_EQUAL(differences(&core), 0);
    check = check_run(&core, STG_CHECK_REPAIR, 1, &lines);
    CU_ASSERT_EQUAL(check.objects, 2);
    CU_ASSERT_EQUAL(check.differences, 1);
    STG_CHECK_TEXT(status_of(&core, &staged), "failure");
    CU_ASSERT_EQUAL(check_run(&core, STG_CHECK_REPORT, 1, &lines).differences,
                    0);
    core_end(&core);
}

static void abandoned_object_is_found(void)
{
    core_t core;
    staged_t staged;

    core_begin(&core);
    staged = core_stage(&core, core.file, 10);
    STG_CHECK_OK(stg_node_retire(core.staging.node, core.staging.db, core.p));
    expect(&core, staged.id, "the server that received it is gone");
    STG_CHECK_TEXT(status_of(&core, &staged), "failure");
    core_end(&core);
}

static void finishing_object_without_a_job_gets_one(void)
{
    core_t core;
    staged_t staged;

    core_begin(&core);
    staged = core_store(&core, core.memory, 10000);
    core_sql(&core, "DELETE FROM job");
    expect(&core, staged.id, "no job finishes its parts");
    core_end(&core);
}

static void job_without_its_object_is_removed(void)
{
    core_t core;
    staged_t staged;

    core_begin(&core);
    staged = core_store(&core, core.memory, 10000);
    STG_CHECK_OK(stg_object_finish_parts(&core.staging, staged.id, core.p));
    core_sql(&core, "UPDATE object SET state = 'stored';"
                    "UPDATE upload SET status = 'success';"
                    "UPDATE job SET state = 'parked'");
    expect(&core, staged.id, "a job has nothing to finish");
    core_end(&core);
}

/* More than a batch, so that ranges and pages have edges. */
static void many_objects_are_compared(void)
{
    core_t core;

    core_begin(&core);
    core_sql(&core,
             "WITH o AS (INSERT INTO object (id, store, state, size, md5) "
             "SELECT gen_random_uuid(), 'memory', 'stored', 1, '' "
             "FROM generate_series(1, 1200) RETURNING id) "
             "INSERT INTO upload (id, service, owner, object, label, filename, "
             "content_type, status, expires) "
             "SELECT id, '', '', id, '', '', '', 'success', 'infinity' FROM o");
    for (int i = 0; i < 20; i++)
        core_store(&core, core.memory, 1);
    CU_ASSERT_EQUAL(differences(&core), 1200);
    core_end(&core);
}

void stg_reconcile_suite(void)
{
    CU_pSuite suite = CU_add_suite("reconcile", NULL, NULL);

    STG_TEST(suite, what_is_under_way_is_no_difference);
    STG_TEST(suite, object_without_a_row_is_removed);
    STG_TEST(suite, temporary_file_without_a_row_is_removed);
    STG_TEST(suite, unfinished_bytes_beside_an_object_are_removed);
    STG_TEST(suite, upload_whose_bytes_are_lost_is_a_failure);
    STG_TEST(suite, object_of_another_size_is_found);
    STG_TEST(suite, damaged_bytes_are_found_by_reading_them);
    STG_TEST(suite, abandoned_object_is_found);
    STG_TEST(suite, finishing_object_without_a_job_gets_one);
    STG_TEST(suite, job_without_its_object_is_removed);
    STG_TEST(suite, many_objects_are_compared);
}
