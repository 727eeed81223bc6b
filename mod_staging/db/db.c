/* SPDX-License-Identifier: Apache-2.0 */
#include "db/link.h"

#include "base/log.h"
#include "db/db_error.h"

#include <apr_strings.h>

#include <assert.h>
#include <string.h>

enum {
    QUERY_SECONDS = 30,
    TRIES = 5,
    REFUSAL_RETRY_AFTER = 5,
    SCRIPT_SECONDS = 600 /* a migration may rewrite a large table */
};

struct stg_db_t {
    stg_db_lender_t lender;
    int seconds;     /* that a statement may take */
    PGconn *conn;    /* of the transaction that this is bound to, or NULL */
    int is_refusing; /* atomic */
};

/* A borrowed connection, ready for use. */
typedef struct loan_t {
    void *record;
    PGconn *conn;
} loan_t;

stg_db_t *stg_db_create(const stg_db_lender_t *lender, apr_pool_t *p)
{
    stg_db_t *db = apr_pcalloc(p, sizeof(*db));

    db->lender = *lender;
    db->seconds = QUERY_SECONDS;
    return db;
}

void stg_db_set_limit(stg_db_t *db, int seconds)
{
    db->seconds = seconds;
}

void stg_db_refuse(stg_db_t *db, int is_refusing)
{
    __atomic_store_n(&db->is_refusing, is_refusing, __ATOMIC_RELAXED);
}

static stg_error_t *check_refusal(const stg_db_t *db, stg_query_t query,
                                  apr_pool_t *p)
{
    stg_error_t *err;

    if (!__atomic_load_n(&db->is_refusing, __ATOMIC_RELAXED) ||
        query == STG_Q_SCHEMA_EXISTS || query == STG_Q_SCHEMA_VERSION)
        return STG_OK;
    err = stg_raise(p, STG_E_DB_DOWN, "the database is not available");
    err->retry_after = REFUSAL_RETRY_AFTER;
    return stg_because(err, p, "its schema is not that of this build");
}

/* The server's limit should strike first: its answer is the better one, and
 * it ends the statement. */
static int deadline_of(const stg_db_t *db)
{
    return db->seconds + db->seconds / 5 + 1;
}

static void give_back(stg_db_t *db, loan_t *loan)
{
    if (db->conn)
        return;
    stg_link_end(loan->conn);
    db->lender.give_back(db->lender.context, loan->record);
}

static stg_error_t *borrow(loan_t *loan, stg_db_t *db, apr_pool_t *p)
{
    void *conn;
    stg_error_t *err;

    loan->conn = db->conn;
    if (db->conn)
        return STG_OK;
    STG_TRY(db->lender.borrow(db->lender.context, &loan->record, &conn, p));
    loan->conn = conn;
    err = stg_link_ready(loan->conn, db->seconds, p);
    if (err)
        give_back(db, loan);
    return err;
}

/* Statements that change several rows meet in any order: two that delete the
 * same upload by two APIs, say. Who is chosen to end a deadlock has changed
 * nothing; but a transaction is lost as a whole. */
static stg_error_t *run(PGresult **result, const stg_db_t *db,
                        const loan_t *loan, const stg_call_t *call,
                        apr_pool_t *p)
{
    stg_error_t *err = stg_link_run(result, loan->conn, call, p);

    for (int i = 1; i < TRIES && err && err->is_undone && !db->conn; i++)
        err = stg_link_run(result, loan->conn, call, p);
    return err;
}

stg_error_t *stg_db_query(stg_rows_t **rows, stg_db_t *db, stg_query_t query,
                          apr_pool_t *p, const char *const *params, int count)
{
    stg_call_t call = {.query = query,
                       .params = params,
                       .count = count,
                       .seconds = deadline_of(db)};
    PGresult *result;
    stg_error_t *err;
    loan_t loan;

    STG_TRY(check_refusal(db, query, p));
    STG_TRY(borrow(&loan, db, p));
    err = run(&result, db, &loan, &call, p);
    give_back(db, &loan);
    if (err)
        return err;
    if (rows)
        *rows = stg_rows_create(result, p);
    else
        PQclear(result);
    return STG_OK;
}

stg_rows_t *stg_db_note(stg_db_t *db, stg_query_t query, apr_pool_t *p,
                        const char *const *params, int count)
{
    stg_rows_t *rows;
    stg_error_t *err = stg_db_query(&rows, db, query, p, params, count);

    if (!err)
        return rows;
    stg_log(err->code == STG_E_INTERNAL ? STG_LOG_ERROR : STG_LOG_INFO,
            "not noted: %s", stg_error_text(err, p));
    return NULL;
}

static stg_error_t *transact_on(stg_db_t *bound, stg_db_work_t *fn,
                                void *context, apr_pool_t *p)
{
    int seconds = deadline_of(bound);
    const char *tag;
    stg_error_t *err;

    STG_TRY(stg_link_script(NULL, bound->conn, "BEGIN", seconds, p));
    err = fn(bound, context, p);
    if (err) {
        /* If it fails the connection is dead, and with it what was done. */
        stg_link_script(NULL, bound->conn, "ROLLBACK", seconds, p);
        return err;
    }
    STG_TRY(stg_link_script(&tag, bound->conn, "COMMIT", seconds, p));
    /* PostgreSQL answers so if a statement had failed. */
    if (!strcmp(tag, "ROLLBACK"))
        return stg_because(stg_raise(p, STG_E_INTERNAL, "internal error"), p,
                           "An error was ignored inside a transaction");
    return STG_OK;
}

stg_error_t *stg_db_transact(stg_db_t *db, stg_db_work_t *fn, void *context,
                             apr_pool_t *p)
{
    stg_db_t bound = *db;
    stg_error_t *err;
    loan_t loan;

    assert(!db->conn);
    STG_TRY(borrow(&loan, db, p));
    bound.conn = loan.conn;
    err = transact_on(&bound, fn, context, p);
    give_back(db, &loan);
    return err;
}

stg_error_t *stg_db_script(stg_db_t *db, const char *sql, apr_pool_t *p)
{
    stg_error_t *err;
    loan_t loan;

    STG_TRY(borrow(&loan, db, p));
    err = stg_link_script(NULL, loan.conn, sql, SCRIPT_SECONDS, p);
    give_back(db, &loan);
    return err;
}

stg_error_t *stg_db_prepare_all(stg_db_t *db, apr_pool_t *p)
{
    stg_error_t *err = STG_OK;
    loan_t loan;

    STG_TRY(borrow(&loan, db, p));
    for (int i = 0; !err && i < STG_QUERIES; i++) {
        stg_call_t call = {.query = i, .seconds = deadline_of(db)};

        err = stg_link_prepare(loan.conn, &call, p);
    }
    give_back(db, &loan);
    return err;
}
