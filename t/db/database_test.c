/* SPDX-License-Identifier: Apache-2.0 */
#include "db_check.h"

#include <apr_strings.h>

#include <libpq-fe.h>

#include <signal.h>

static stg_error_t *list(stg_db_t *db, apr_pool_t *p)
{
    return stg_db_query(NULL, db, STG_Q_ACCOUNT_LIST, p, STG_NO_PARAMS);
}

static stg_error_t *add(stg_db_t *db, const char *name, apr_pool_t *p)
{
    return stg_db_query(NULL, db, STG_Q_ACCOUNT_ADD, p, STG_PARAMS(name));
}

static int has(stg_db_t *db, const char *name, apr_pool_t *p)
{
    stg_rows_t *rows = NULL;

    STG_CHECK_OK(stg_db_query(&rows, db, STG_Q_ACCOUNT_LIST, p, STG_NO_PARAMS));
    for (int i = 0; rows && i < stg_rows_count(rows); i++)
        if (!strcmp(stg_rows_text(rows, i, "name"), name))
            return 1;
    return 0;
}

static void null_is_not_the_empty_text(void)
{
    apr_pool_t *p;
    stg_db_t *db;
    stg_rows_t *rows;
    const char *sha256 =
        "0000000000000000000000000000000000000000000000000000000000000000";

    apr_pool_create(&p, NULL);
    db = stg_check_db("", p);
    STG_CHECK_OK(add(db, "nulls", p));
    STG_CHECK_OK(
        stg_db_query(&rows, db, STG_Q_KEY_ADD, p,
                     STG_PARAMS("nulls", sha256, "stg_", "", "{read}", NULL)));
    STG_CHECK_OK(
        stg_db_query(&rows, db, STG_Q_KEY_FIND, p, STG_PARAMS(sha256)));
    CU_ASSERT_EQUAL_FATAL(stg_rows_count(rows), 1);
    CU_ASSERT_PTR_NULL(stg_rows_text(rows, 0, "expires"));
    CU_ASSERT_EQUAL(stg_rows_int(rows, 0, "expires"), 0);
    STG_CHECK_OK(
        stg_db_query(&rows, db, STG_Q_KEY_LIST, p, STG_PARAMS("nulls")));
    STG_CHECK_TEXT(stg_rows_text(rows, 0, "label"), "");
    apr_pool_destroy(p);
}

static void rows_outlive_the_connection(void)
{
    apr_pool_t *p;
    apr_pool_t *sub;
    stg_rows_t *rows;

    apr_pool_create(&p, NULL);
    apr_pool_create(&sub, p);
    STG_CHECK_OK(stg_db_query(&rows, stg_check_db("", sub), STG_Q_SCHEMA_EXISTS,
                              p, STG_NO_PARAMS));
    apr_pool_destroy(sub);
    CU_ASSERT_EQUAL(stg_rows_int(rows, 0, "is_there"), 1);
    apr_pool_destroy(p);
}

static void array_items_may_hold_anything(void)
{
    const char *items[] = {"a", "b,c", "d\"e", "f\\g", "{}", "NULL", ""};
    apr_pool_t *p;

    apr_pool_create(&p, NULL);
    STG_CHECK_TEXT(stg_db_array(items, 7, p),
                   "{\"a\",\"b,c\",\"d\\\"e\",\"f\\\\g\",\"{}\",\"NULL\","
                   "\"\"}");
    STG_CHECK_TEXT(stg_db_array(items, 0, p), "{}");
    apr_pool_destroy(p);
}

static stg_error_t *add_and_fail(stg_db_t *db, void *name, apr_pool_t *p)
{
    STG_TRY(add(db, name, p));
    CU_ASSERT(has(db, name, p));
    return stg_raise(p, STG_E_CONFLICT, "no");
}

static stg_error_t *add_only(stg_db_t *db, void *name, apr_pool_t *p)
{
    return add(db, name, p);
}

static void failed_transaction_leaves_nothing(void)
{
    char failed[] = "failed";
    char kept[] = "kept";
    apr_pool_t *p;
    stg_db_t *db;

    apr_pool_create(&p, NULL);
    db = stg_check_db("", p);
    STG_CHECK_FAILS(stg_db_transact(db, add_and_fail, failed, p),
                    STG_E_CONFLICT);
    CU_ASSERT(!has(db, failed, p));
    STG_CHECK_OK(stg_db_transact(db, add_only, kept, p));
    CU_ASSERT(has(db, kept, p));
    apr_pool_destroy(p);
}

static stg_error_t *ignore_error(stg_db_t *db, void *unused, apr_pool_t *p)
{
    (void)unused;
    STG_CHECK_FAILS(stg_db_script(db, "nonsense", p), STG_E_INTERNAL);
    return STG_OK;
}

static void ignored_error_is_not_taken_for_success(void)
{
    apr_pool_t *p;
    stg_db_t *db;

    apr_pool_create(&p, NULL);
    db = stg_check_db("", p);
    STG_CHECK_FAILS(stg_db_transact(db, ignore_error, NULL, p), STG_E_INTERNAL);
    STG_CHECK_OK(list(db, p));
    apr_pool_destroy(p);
}

static void killed_idle_connection_costs_no_query(void)
{
    apr_pool_t *p;
    stg_db_t *db;

    apr_pool_create(&p, NULL);
    db = stg_check_db("", p);
    for (int i = 0; i < 3; i++) {
        STG_CHECK_OK(list(db, p));
        STG_CHECK_OK(list(db, p));
        stg_check_kill(p);
    }
    STG_CHECK_OK(stg_db_transact(db, add_only, (char[]){"after"}, p));
    apr_pool_destroy(p);
}

static stg_error_t *die_inside(stg_db_t *db, void *name, apr_pool_t *p)
{
    STG_TRY(add(db, name, p));
    stg_check_kill(p);
    return list(db, p);
}

static void killed_transaction_leaves_nothing(void)
{
    char name[] = "killed";
    apr_pool_t *p;
    stg_db_t *db;

    apr_pool_create(&p, NULL);
    db = stg_check_db("", p);
    STG_CHECK_FAILS(stg_db_transact(db, die_inside, name, p), STG_E_DB_DOWN);
    CU_ASSERT(!has(db, name, p));
    apr_pool_destroy(p);
}

static stg_error_t *list_impatiently(stg_db_t *db, void *unused, apr_pool_t *p)
{
    (void)unused;
    STG_TRY(stg_db_script(db, "SET LOCAL lock_timeout = '200ms'", p));
    return list(db, p);
}

static stg_error_t *lock(stg_db_t *db, void *other, apr_pool_t *p)
{
    STG_TRY(stg_db_script(db, "LOCK TABLE account", p));
    STG_CHECK_FAILS(stg_db_transact(other, list_impatiently, NULL, p),
                    STG_E_BUSY);
    return STG_OK;
}

static void lock_that_is_not_to_be_had_is_busy(void)
{
    apr_pool_t *p;
    stg_db_t *other;

    apr_pool_create(&p, NULL);
    other = stg_check_db("", p);
    STG_CHECK_OK(stg_db_transact(stg_check_db("", p), lock, other, p));
    STG_CHECK_OK(list(other, p));
    apr_pool_destroy(p);
}

static void read_only_database_is_down(void)
{
    apr_pool_t *p;
    stg_error_t *err;

    apr_pool_create(&p, NULL);
    err = add(stg_check_db("-cdefault_transaction_read_only=on", p), "ro", p);
    STG_CHECK_FAILS(err, STG_E_DB_DOWN);
    CU_ASSERT(err && err->retry_after > 0);
    apr_pool_destroy(p);
}

static void schema_that_is_not_there_is_down(void)
{
    apr_pool_t *p;
    stg_db_t *db;

    apr_pool_create(&p, NULL);
    db = stg_check_db("-csearch_path=pg_catalog", p);
    STG_CHECK_FAILS(list(db, p), STG_E_DB_DOWN);
    apr_pool_destroy(p);
}

static void unreachable_database_is_down(void)
{
    apr_pool_t *p;
    stg_db_lender_t lender;

    apr_pool_create(&p, NULL);
    STG_CHECK_OK(
        stg_db_pool_create(&lender, "host=/nonexistent dbname=x", 1, p));
    STG_CHECK_FAILS(list(stg_db_create(&lender, p), p), STG_E_DB_DOWN);
    /* What could not connect does not count as lent. */
    STG_CHECK_FAILS(list(stg_db_create(&lender, p), p), STG_E_DB_DOWN);
    apr_pool_destroy(p);
}

static void slow_statement_is_busy(void)
{
    apr_pool_t *p;
    stg_db_t *db;

    apr_pool_create(&p, NULL);
    db = stg_check_db("", p);
    stg_db_set_limit(db, 1);
    STG_CHECK_FAILS(stg_db_script(db, "SELECT pg_sleep(20)", p), STG_E_BUSY);
    STG_CHECK_OK(list(db, p));
    apr_pool_destroy(p);
}

static stg_error_t *list_on(stg_db_t *db, void *outer, apr_pool_t *p)
{
    (void)db;
    return list(outer, p);
}

static void exhausted_pool_is_busy(void)
{
    apr_pool_t *p;
    stg_db_lender_t lender;
    stg_db_t *db;

    apr_pool_create(&p, NULL);
    lender = stg_check_lender("", 1, p);
    db = stg_db_create(&lender, p);
    STG_CHECK_FAILS(stg_db_transact(db, list_on, db, p), STG_E_BUSY);
    STG_CHECK_OK(list(db, p));
    apr_pool_destroy(p);
}

/* The server process of the pool's only connection. */
static pid_t server_of(const stg_db_lender_t *lender, apr_pool_t *p)
{
    void *loan;
    void *conn;
    pid_t pid;

    STG_CHECK_OK(lender->borrow(lender->context, &loan, &conn, p));
    pid = PQbackendPID(conn);
    lender->give_back(lender->context, loan);
    return pid;
}

static void silent_server_is_given_up(void)
{
    apr_pool_t *p;
    stg_db_lender_t lender;
    stg_db_t *db;
    stg_error_t *err;
    pid_t pid;

    apr_pool_create(&p, NULL);
    lender = stg_check_lender("", 1, p);
    db = stg_db_create(&lender, p);
    stg_db_set_limit(db, 1);
    STG_CHECK_OK(list(db, p));
    pid = server_of(&lender, p);
    CU_ASSERT_FATAL(!kill(pid, SIGSTOP));
    err = list(db, p);
    STG_CHECK_FAILS(err, STG_E_DB_DOWN);
    CU_ASSERT_PTR_NOT_NULL(err && strstr(err->cause, "Deadline"));
    /* A new connection, though the old server process is still silent. */
    STG_CHECK_OK(list(db, p));
    CU_ASSERT_NOT_EQUAL(server_of(&lender, p), pid);
    kill(pid, SIGCONT);
    apr_pool_destroy(p);
}

static void causes_hold_no_values(void)
{
    apr_pool_t *p;
    stg_error_t *err;
    const char *text = "with a secret that is no digest";

    apr_pool_create(&p, NULL);
    STG_CHECK_OK(add(stg_check_db("", p), "holder", p));
    err = stg_db_query(NULL, stg_check_db("", p), STG_Q_KEY_ADD, p,
                       STG_PARAMS("holder", text, "", "", "{read}", NULL));
    STG_CHECK_FAILS(err, STG_E_INTERNAL);
    CU_ASSERT_PTR_NOT_NULL(err && strstr(err->cause, "23514"));
    CU_ASSERT_PTR_NULL(err ? strstr(err->cause, "secret") : "");
    STG_CHECK_TEXT(err ? err->message : NULL, "internal error");
    apr_pool_destroy(p);
}

void stg_database_suite(void)
{
    CU_pSuite suite = CU_add_suite("database", NULL, NULL);

    STG_TEST(suite, null_is_not_the_empty_text);
    STG_TEST(suite, rows_outlive_the_connection);
    STG_TEST(suite, array_items_may_hold_anything);
    STG_TEST(suite, failed_transaction_leaves_nothing);
    STG_TEST(suite, ignored_error_is_not_taken_for_success);
    STG_TEST(suite, killed_idle_connection_costs_no_query);
    STG_TEST(suite, killed_transaction_leaves_nothing);
    STG_TEST(suite, lock_that_is_not_to_be_had_is_busy);
    STG_TEST(suite, read_only_database_is_down);
    STG_TEST(suite, schema_that_is_not_there_is_down);
    STG_TEST(suite, unreachable_database_is_down);
    STG_TEST(suite, slow_statement_is_busy);
    STG_TEST(suite, exhausted_pool_is_busy);
    STG_TEST(suite, silent_server_is_given_up);
    STG_TEST(suite, causes_hold_no_values);
}
