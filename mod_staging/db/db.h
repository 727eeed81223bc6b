/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_DB_DB_H
#define STG_DB_DB_H

#include "base/error.h"

#include <apr_pools.h>

/*
 * Runs named queries (sql/queries) on lent PostgreSQL connections.
 *
 * A connection is borrowed for one query or one transaction and given back
 * before the function returns: none is held while bytes flow. Statements are
 * prepared on a connection when it first runs them, and again after it was
 * reset. Every call has a deadline.
 *
 * Errors: DB_DOWN when the database cannot be reached, is shutting down, is
 * read-only or does not answer in time, BUSY when no connection is free or a
 * lock is not to be had, INTERNAL for everything that only a bug explains.
 * Conflicts are rows, not errors: see the queries.
 */

typedef enum stg_query_t {
#define STG_QUERY(NAME, label, count, sql) STG_Q_##NAME,
#include "db/queries.h"
#undef STG_QUERY
    STG_QUERIES
} stg_query_t;

typedef struct stg_db_t stg_db_t;
typedef struct stg_rows_t stg_rows_t;

/* Who lends connections: mod_dbd in httpd (adapters.c), db_pool.c in
 * stagingctl and tests. */
typedef struct stg_db_lender_t {
    /* *loan is the lender's own record, *conn the libpq connection. */
    stg_error_t *(*borrow)(void *context, void **loan, void **conn,
                           apr_pool_t *p);
    void (*give_back)(void *context, void *loan);
    void *context;
} stg_db_lender_t;

stg_db_t *stg_db_create(const stg_db_lender_t *lender, apr_pool_t *p);

/* Let a statement take at most so many seconds (default 30). Before use. */
void stg_db_set_limit(stg_db_t *db, int seconds);

/* While it refuses, everything but the queries of schema.sql fails with
 * DB_DOWN. For stg_schema_watch(); any thread. */
void stg_db_refuse(stg_db_t *db, int is_refusing);

/* A lender with at most max connections of its own, for dsn (libpq). Thread
 * safe; connections are made when needed and closed with p. */
stg_error_t *stg_db_pool_create(stg_db_lender_t *lender, const char *dsn,
                                int max, apr_pool_t *p);

/* Parameters of a query: its texts in order, NULL for SQL NULL. */
#define STG_PARAMS(...)                                                        \
    ((const char *const[]){__VA_ARGS__}),                                      \
        (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))
#define STG_NO_PARAMS NULL, 0

/* Run a query. Rows live in p. rows may be NULL if none are wanted. */
stg_error_t *stg_db_query(stg_rows_t **rows, stg_db_t *db, stg_query_t query,
                          apr_pool_t *p, const char *const *params, int count);

/* Write that something was read, which may be lost: who reads is not refused
 * because that cannot be written, for a standby only reads. NULL, and a line
 * in the log, where it was not. */
stg_rows_t *stg_db_note(stg_db_t *db, stg_query_t query, apr_pool_t *p,
                        const char *const *params, int count);

/* Run fn in one transaction; db inside is bound to it. fn's error rolls back
 * and is returned. Keep it short: no store calls, no client I/O inside. */
typedef stg_error_t *stg_db_work_t(stg_db_t *db, void *context, apr_pool_t *p);
stg_error_t *stg_db_transact(stg_db_t *db, stg_db_work_t *fn, void *context,
                             apr_pool_t *p);

/* SQL text that is not a named query: migrations only. May take ten minutes,
 * if it raises statement_timeout. */
stg_error_t *stg_db_script(stg_db_t *db, const char *sql, apr_pool_t *p);

/* Prepare every named query, for the test that proves them. */
stg_error_t *stg_db_prepare_all(stg_db_t *db, apr_pool_t *p);

int stg_rows_count(const stg_rows_t *rows);

/* A field as text, NULL for SQL NULL; columns are named as in the SQL. A
 * wrong name is a bug. Valid as long as the pool of the rows. */
const char *stg_rows_text(const stg_rows_t *rows, int row, const char *column);
apr_int64_t stg_rows_int(const stg_rows_t *rows, int row, const char *column);

/* A timestamp that the query gave out as epoch microseconds. */
#define stg_rows_time(rows, row, column)                                       \
    ((apr_time_t)stg_rows_int(rows, row, column))

/* "{a,b}": a text[] parameter. */
const char *stg_db_array(const char *const *items, int count, apr_pool_t *p);

#endif
