/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves db/ and accounts/ against a real PostgreSQL:
 *     STAGING_TEST_DSN="host=/some/folder user=staging dbname=test" \
 *     STAGING_TEST_SQL=sql/migrations db_check
 * It works in the schema db_check of that database, which it makes anew.
 */
#include "db_check.h"

#include <CUnit/Basic.h>

#include <apr_general.h>
#include <apr_strings.h>

#include <stdlib.h>

stg_db_lender_t stg_check_lender(const char *settings, int max, apr_pool_t *p)
{
    const char *dsn = apr_psprintf(p, "%s options='-csearch_path=db_check %s'",
                                   getenv("STAGING_TEST_DSN"), settings);
    stg_db_lender_t lender;

    if (stg_db_pool_create(&lender, dsn, max, p))
        abort();
    return lender;
}

stg_db_t *stg_check_db(const char *settings, apr_pool_t *p)
{
    stg_db_lender_t lender = stg_check_lender(settings, 4, p);

    return stg_db_create(&lender, p);
}

const char *stg_check_migrations(void)
{
    return getenv("STAGING_TEST_SQL");
}

void stg_check_kill(apr_pool_t *p)
{
    STG_CHECK_OK(stg_db_script(
        stg_check_db("", p),
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND datname = current_database() "
        "AND application_name = 'mod_staging'",
        p));
}

static int start_anew(void)
{
    apr_pool_t *p;
    stg_error_t *err;

    apr_pool_create(&p, NULL);
    err = stg_db_script(stg_check_db("", p),
                        "DROP SCHEMA IF EXISTS db_check CASCADE;"
                        "CREATE SCHEMA db_check",
                        p);
    if (err)
        fprintf(stderr, "%s\n", stg_error_text(err, p));
    apr_pool_destroy(p);
    return !err;
}

int main(void)
{
    unsigned int failures;

    if (!getenv("STAGING_TEST_DSN") || !getenv("STAGING_TEST_SQL")) {
        fprintf(stderr, "set STAGING_TEST_DSN and STAGING_TEST_SQL\n");
        return 2;
    }
    apr_initialize();
    CU_initialize_registry();
    if (!start_anew())
        return 2;
    stg_schema_suite();
    stg_database_suite();
    stg_accounts_suite();
    stg_sign_in_suite();
    stg_objects_suite();
    stg_part_uploads_suite();
    stg_part_holds_suite();
    stg_part_ends_suite();
    stg_quota_suite();
    stg_jobs_suite();
    stg_reconcile_suite();
    stg_lists_suite();
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    failures = CU_get_number_of_tests_failed();
    CU_cleanup_registry();
    apr_terminate();
    return failures > 100 ? 100 : (int)failures;
}
