/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_DB_DB_ERROR_H
#define STG_DB_DB_ERROR_H

#include "base/error.h"

#include <libpq-fe.h>

/*
 * What PostgreSQL said, in our words. Inside db/ only. Causes hold the
 * SQLSTATE and the primary message, never a parameter's value (DETAIL and
 * CONTEXT would hold some).
 */

/* Nothing came, or no way to send: DB_DOWN. what says what was tried. */
stg_error_t *stg_db_error_down(apr_pool_t *p, PGconn *conn, const char *what)
    __attribute__((returns_nonnull));

/* A result that reports an error. */
stg_error_t *stg_db_error_of(apr_pool_t *p, const PGresult *result,
                             const char *what) __attribute__((returns_nonnull));

/* A limit was hit: try again soon. */
stg_error_t *stg_db_error_busy(apr_pool_t *p, const char *cause)
    __attribute__((returns_nonnull));

#endif
