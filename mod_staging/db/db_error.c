/* SPDX-License-Identifier: Apache-2.0 */
#include "db/db_error.h"

#include <apr_strings.h>

#include <string.h>

enum { RETRY_DOWN = 5, RETRY_BUSY = 1 };

static const char deadlock[] = "40P01";

/* SQLSTATE prefixes (PostgreSQL manual, appendix A); others are INTERNAL. */
static const struct {
    const char *prefix;
    stg_code_t code;
} states[] = {
    {"08", STG_E_DB_DOWN},    /* connection failed */
    {"57P0", STG_E_DB_DOWN},  /* shutting down, crashed, starting */
    {"53", STG_E_DB_DOWN},    /* out of disk, memory or connections */
    {"58", STG_E_DB_DOWN},    /* system error, such as a failed read */
    {"28", STG_E_DB_DOWN},    /* we are not let in */
    {"3D000", STG_E_DB_DOWN}, /* no such database */
    {"25006", STG_E_DB_DOWN}, /* read-only: a standby */
    {"42P01", STG_E_DB_DOWN}, /* no such table, */
    {"42703", STG_E_DB_DOWN}, /* no such column: another schema version */
    {"55P03", STG_E_BUSY},    /* lock_timeout */
    {"57014", STG_E_BUSY},    /* statement_timeout */
    {"40001", STG_E_BUSY},    /* serialization */
    {deadlock, STG_E_BUSY},
};

static stg_code_t code_of(const char *state)
{
    /* libpq reports a connection that broke without a SQLSTATE. */
    if (!state)
        return STG_E_DB_DOWN;
    for (apr_size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        if (!strncmp(state, states[i].prefix, strlen(states[i].prefix)))
            return states[i].code;
    return STG_E_INTERNAL;
}

/* libpq ends its messages with a line feed and may use several lines. */
static const char *one_line(const char *text, apr_pool_t *p)
{
    char *line = apr_pstrdup(p, text ? text : "");
    apr_size_t end = strlen(line);

    while (end && line[end - 1] == '\n')
        line[--end] = '\0';
    for (char *c = line; *c; c++)
        if (*c == '\n')
            *c = ' ';
    return line;
}

static stg_error_t *error_for(apr_pool_t *p, stg_code_t code)
{
    stg_error_t *err;

    switch (code) {
    case STG_E_DB_DOWN:
        err = stg_raise(p, code, "the database is not available");
        err->retry_after = RETRY_DOWN;
        return err;
    case STG_E_BUSY:
        err = stg_raise(p, code, "the database is busy");
        err->retry_after = RETRY_BUSY;
        return err;
    default:
        return stg_raise(p, code, "internal error");
    }
}

stg_error_t *stg_db_error_down(apr_pool_t *p, PGconn *conn, const char *what)
{
    const char *text = one_line(PQerrorMessage(conn), p);

    return stg_because(error_for(p, STG_E_DB_DOWN), p, "%s: %s", what,
                       *text ? text : "no answer");
}

stg_error_t *stg_db_error_of(apr_pool_t *p, const PGresult *result,
                             const char *what)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    stg_error_t *err;

    if (!text)
        text = PQresultErrorMessage(result);
    err = error_for(p, code_of(state));
    err->is_undone = state && !strcmp(state, deadlock);
    return stg_because(err, p, "%s: %s %s", what, state ? state : "-----",
                       one_line(text, p));
}

stg_error_t *stg_db_error_busy(apr_pool_t *p, const char *cause)
{
    return stg_because(error_for(p, STG_E_BUSY), p, "%s", cause);
}
