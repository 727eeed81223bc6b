/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_DB_LINK_H
#define STG_DB_LINK_H

#include "db/db.h"

#include <libpq-fe.h>

/*
 * A lent libpq connection. Inside db/ only. What we know about it (session
 * settings made, statements prepared) hangs on the connection itself as
 * libpq event data, so that it goes when the connection is reset or ends,
 * whoever does that.
 */

/* A named query and its parameters. */
typedef struct stg_call_t {
    stg_query_t query;
    const char *const *params;
    int count;
    int seconds; /* to wait at most, in all */
} stg_call_t;

/* Make it fit for use: reset it if it has died while idle, and make the
 * session's settings if it is new. seconds is its statement_timeout. */
stg_error_t *stg_link_ready(PGconn *conn, int seconds, apr_pool_t *p);

/* Send SQL text that has no parameters; several statements are one
 * transaction. *tag (may be NULL) gets the last one's command tag. */
stg_error_t *stg_link_script(const char **tag, PGconn *conn, const char *sql,
                             int seconds, apr_pool_t *p);

/* Prepare the query unless it is already. */
stg_error_t *stg_link_prepare(PGconn *conn, const stg_call_t *call,
                              apr_pool_t *p);

/* Run it. The caller clears *result. */
stg_error_t *stg_link_run(PGresult **result, PGconn *conn,
                          const stg_call_t *call, apr_pool_t *p);

/* After use: a connection that is not idle outside a transaction is dead. */
void stg_link_end(PGconn *conn);

/* Rows out of a result, which is cleared with p. */
stg_rows_t *stg_rows_create(PGresult *result, apr_pool_t *p);

#endif
