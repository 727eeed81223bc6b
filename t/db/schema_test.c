/* SPDX-License-Identifier: Apache-2.0 */
#include "db_check.h"

#include "db/schema.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include <stdlib.h>
#include <unistd.h>

static void empty_database_is_refused(void)
{
    apr_pool_t *p;
    stg_error_t *err;

    apr_pool_create(&p, NULL);
    err = stg_schema_check(stg_check_db("", p), p);
    STG_CHECK_FAILS(err, STG_E_DB_DOWN);
    CU_ASSERT_PTR_NOT_NULL(err && strstr(err->cause, "stagingctl migrate"));
    apr_pool_destroy(p);
}

static void *APR_THREAD_FUNC migrate(apr_thread_t *thread, void *applied)
{
    apr_pool_t *p = apr_thread_pool_get(thread);

    if (stg_schema_migrate(applied, stg_check_db("", p), stg_check_migrations(),
                           p))
        *(int *)applied = -1;
    return NULL;
}

static void two_migrations_at_once_apply_each_file_once(void)
{
    apr_pool_t *p;
    apr_thread_t *threads[2];
    apr_status_t status;
    int applied[2] = {0, 0};

    apr_pool_create(&p, NULL);
    for (int i = 0; i < 2; i++)
        apr_thread_create(&threads[i], NULL, migrate, &applied[i], p);
    for (int i = 0; i < 2; i++)
        apr_thread_join(&status, threads[i]);
    CU_ASSERT_EQUAL(applied[0] + applied[1], STG_SCHEMA_VERSION);
    CU_ASSERT(applied[0] >= 0 && applied[1] >= 0);
    STG_CHECK_OK(stg_schema_check(stg_check_db("", p), p));
    apr_pool_destroy(p);
}

static void second_migration_changes_nothing(void)
{
    apr_pool_t *p;
    int applied = -1;

    apr_pool_create(&p, NULL);
    STG_CHECK_OK(stg_schema_migrate(&applied, stg_check_db("", p),
                                    stg_check_migrations(), p));
    CU_ASSERT_EQUAL(applied, 0);
    apr_pool_destroy(p);
}

static void write_file(const char *path, const char *text, apr_pool_t *p)
{
    apr_file_t *file;

    CU_ASSERT_FATAL(!apr_file_open(&file, path,
                                   APR_FOPEN_WRITE | APR_FOPEN_CREATE,
                                   APR_FPROT_OS_DEFAULT, p));
    apr_file_puts(text, file);
    apr_file_close(file);
}

static void migration_that_fails_leaves_nothing(void)
{
    char folder[] = "/tmp/db_check.XXXXXX";
    apr_pool_t *p;
    const char *path;
    stg_error_t *err;
    int applied = -1;

    apr_pool_create(&p, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    path = apr_pstrcat(p, folder, "/9000_broken.sql", NULL);
    write_file(path, "CREATE TABLE half (a int); CREATE NONSENSE;", p);
    err = stg_schema_migrate(&applied, stg_check_db("", p), folder, p);
    STG_CHECK_FAILS(err, STG_E_INTERNAL);
    CU_ASSERT_PTR_NOT_NULL(err && strstr(err->cause, "9000_broken.sql"));
    CU_ASSERT_EQUAL(applied, -1);
    STG_CHECK_OK(stg_schema_check(stg_check_db("", p), p));
    STG_CHECK_OK(stg_db_script(stg_check_db("", p), "CREATE TABLE half ()", p));
    STG_CHECK_OK(stg_db_script(stg_check_db("", p), "DROP TABLE half", p));
    unlink(path);
    rmdir(folder);
    apr_pool_destroy(p);
}

/* An instance of the first version, in a schema of its own. */
static void rows_of_an_older_schema_are_kept(void)
{
    const char *folder;
    stg_rows_t *rows = NULL;
    apr_pool_t *p;
    stg_db_t *db;
    int applied = 0;

    apr_pool_create(&p, NULL);
    folder = mkdtemp(apr_pstrdup(p, "/tmp/schema.XXXXXX"));
    CU_ASSERT_EQUAL(system(apr_pstrcat(p, "cp ", stg_check_migrations(),
                                       "/0001_* ", folder, NULL)),
                    0);
    STG_CHECK_OK(stg_db_script(stg_check_db("", p),
                               "DROP SCHEMA IF EXISTS db_check_old CASCADE;"
                               "CREATE SCHEMA db_check_old",
                               p));
    db = stg_check_db("-csearch_path=db_check_old", p);
    STG_CHECK_OK(stg_schema_migrate(&applied, db, folder, p));
    CU_ASSERT_EQUAL(applied, 1);
    STG_CHECK_FAILS(stg_schema_check(db, p), STG_E_DB_DOWN);
    STG_CHECK_OK(stg_db_script(
        db,
        "INSERT INTO object (id, store, state, size, md5) "
        "SELECT gen_random_uuid(), 'main', s, 7, 'x' "
        "FROM unnest('{receiving,finishing,stored,deleting}'::text[]) AS s;"
        "INSERT INTO upload (id, service, owner, object, label, filename, "
        "content_type, status, expires) SELECT id, 's', 'o', id, state, '', "
        "'', "
        "'success', 'tomorrow' FROM object",
        p));
    STG_CHECK_OK(stg_schema_migrate(&applied, db, stg_check_migrations(), p));
    CU_ASSERT_EQUAL(applied, STG_SCHEMA_VERSION - 1);
    STG_CHECK_OK(stg_schema_check(db, p));
    STG_CHECK_OK(
        stg_db_query(&rows, db, STG_Q_UPLOAD_PAGE_CREATED_DOWN, p,
                     STG_PARAMS("s", "o", NULL, NULL, "9000000000000000",
                                "ffffffff-ffff-ffff-ffff-ffffffffffff", "10")));
    CU_ASSERT_PTR_NOT_NULL_FATAL(rows);
    CU_ASSERT_EQUAL(stg_rows_count(rows), 4);
    for (int i = 0; i < stg_rows_count(rows); i++) {
        CU_ASSERT_EQUAL(stg_rows_int(rows, i, "size"), 7);
        CU_ASSERT_PTR_NULL(stg_rows_text(rows, i, "sha512"));
    }
    STG_CHECK_OK(
        stg_db_query(&rows, db, STG_Q_QUOTA_USED, p, STG_PARAMS("s", "o")));
    CU_ASSERT_EQUAL(stg_rows_int(rows, 0, "used"), 3 * 7);
    STG_CHECK_OK(stg_db_script(db, "DROP SCHEMA db_check_old CASCADE", p));
    CU_ASSERT_EQUAL(system(apr_pstrcat(p, "rm -r ", folder, NULL)), 0);
    apr_pool_destroy(p);
}

static void newer_schema_is_refused(void)
{
    apr_pool_t *p;
    stg_db_t *db;

    apr_pool_create(&p, NULL);
    db = stg_check_db("", p);
    STG_CHECK_OK(stg_db_query(NULL, db, STG_Q_SCHEMA_RECORD, p,
                              STG_PARAMS("9999", "of another day")));
    STG_CHECK_FAILS(stg_schema_check(db, p), STG_E_DB_DOWN);
    STG_CHECK_OK(stg_db_script(
        db, "DELETE FROM schema_version WHERE version = 9999", p));
    STG_CHECK_OK(stg_schema_check(db, p));
    apr_pool_destroy(p);
}

/* A process that goes on while somebody migrates stops, and works again when
 * its own schema is back. */
static void nothing_runs_on_a_schema_that_is_not_ours(void)
{
    const char *nobody = "00000000-0000-4000-8000-000000000000";
    stg_rows_t *rows;
    apr_pool_t *p;
    stg_db_t *db;

    apr_pool_create(&p, NULL);
    db = stg_check_db("", p);
    STG_CHECK_OK(stg_db_query(NULL, db, STG_Q_SCHEMA_RECORD, p,
                              STG_PARAMS("9999", "of another day")));
    STG_CHECK_FAILS(stg_schema_watch(db, p), STG_E_DB_DOWN);
    STG_CHECK_FAILS(stg_db_query(&rows, db, STG_Q_UPLOAD_FIND, p,
                                 STG_PARAMS(nobody, "s", "o")),
                    STG_E_DB_DOWN);
    STG_CHECK_OK(stg_db_script(
        db, "DELETE FROM schema_version WHERE version = 9999", p));
    STG_CHECK_OK(stg_schema_watch(db, p));
    STG_CHECK_OK(stg_db_query(&rows, db, STG_Q_UPLOAD_FIND, p,
                              STG_PARAMS(nobody, "s", "o")));
    apr_pool_destroy(p);
}

static void every_query_can_be_prepared(void)
{
    apr_pool_t *p;

    apr_pool_create(&p, NULL);
    STG_CHECK_OK(stg_db_prepare_all(stg_check_db("", p), p));
    apr_pool_destroy(p);
}

void stg_schema_suite(void)
{
    CU_pSuite suite = CU_add_suite("schema", NULL, NULL);

    STG_TEST(suite, empty_database_is_refused);
    STG_TEST(suite, two_migrations_at_once_apply_each_file_once);
    STG_TEST(suite, second_migration_changes_nothing);
    STG_TEST(suite, migration_that_fails_leaves_nothing);
    STG_TEST(suite, rows_of_an_older_schema_are_kept);
    STG_TEST(suite, newer_schema_is_refused);
    STG_TEST(suite, nothing_runs_on_a_schema_that_is_not_ours);
    STG_TEST(suite, every_query_can_be_prepared);
}
