/* SPDX-License-Identifier: Apache-2.0 */
#include "db/link.h"

#include "base/clock.h"
#include "base/log.h"
#include "db/db_error.h"

#include <apr_strings.h>

#include <assert.h>
#include <errno.h>
#include <libpq-events.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { CONNECT_SECONDS = 5 };

static const struct {
    const char *label;
    int count;
    const char *sql;
} queries[] = {
#define STG_QUERY(NAME, label, count, sql) {#label, count, sql},
#include "db/queries.h"
#undef STG_QUERY
};

/* What we know about a connection. */
typedef struct session_t {
    unsigned char is_set_up;
    unsigned char is_prepared[STG_QUERIES];
} session_t;

/* libpq asks for an int of true for every event. */
static int on_event(PGEventId id, void *info, void *unused)
{
    (void)unused;
    switch (id) {
    case PGEVT_REGISTER: {
        session_t *session = calloc(1, sizeof(*session));

        if (!session)
            abort();
        return PQsetInstanceData(((PGEventRegister *)info)->conn, on_event,
                                 session);
    }
    case PGEVT_CONNRESET: {
        session_t *session =
            PQinstanceData(((PGEventConnReset *)info)->conn, on_event);

        memset(session, 0, sizeof(*session));
        return 1;
    }
    case PGEVT_CONNDESTROY:
        free(PQinstanceData(((PGEventConnDestroy *)info)->conn, on_event));
        return 1;
    default:
        return 1;
    }
}

/* Else libpq writes it to stderr. What matters comes as an error, too. */
static void note(void *unused, const char *text)
{
    (void)unused;
    stg_log(STG_LOG_DEBUG, "PostgreSQL: %.*s", (int)strcspn(text, "\n"), text);
}

static session_t *session_of(PGconn *conn)
{
    session_t *session = PQinstanceData(conn, on_event);

    if (session)
        return session;
    if (!PQregisterEventProc(conn, on_event, "mod_staging", NULL))
        abort(); /* only memory can be lacking */
    PQsetNoticeProcessor(conn, note, NULL);
    return PQinstanceData(conn, on_event);
}

/* Wait for events on the socket; false when the deadline has passed. */
static int wait_for(PGconn *conn, short events, apr_time_t deadline)
{
    struct pollfd fd = {.fd = PQsocket(conn), .events = events};
    int ready;

    do {
        apr_time_t left = deadline - stg_clock_monotonic();

        ready = poll(&fd, 1, left > 0 ? (int)(left / 1000) + 1 : 0);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

static apr_time_t deadline_in(int seconds)
{
    return stg_clock_monotonic() + apr_time_from_sec(seconds);
}

/*
 * Give up on the connection, from our side: the next user finds its end and
 * resets it. PQcancel() would connect anew and wait for that without a limit;
 * the server's own statement_timeout has ended the statement before.
 */
static void hang_up(PGconn *conn)
{
    if (PQsocket(conn) >= 0)
        shutdown(PQsocket(conn), SHUT_RDWR);
    PQconsumeInput(conn);
}

/* The next result, NULL after the last. */
static stg_error_t *next_result(PGresult **result, PGconn *conn,
                                apr_time_t deadline, const char *what,
                                apr_pool_t *p)
{
    for (;;) {
        int unsent = PQflush(conn);

        if (unsent < 0 || !PQisBusy(conn))
            break;
        if (!wait_for(conn, POLLIN | (unsent ? POLLOUT : 0), deadline)) {
            hang_up(conn);
            return stg_because(stg_db_error_down(p, conn, what), p,
                               "Deadline has passed");
        }
        if (!PQconsumeInput(conn))
            break; /* PQgetResult() says why */
    }
    *result = PQgetResult(conn);
    return STG_OK;
}

static int is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK ||
           status == PGRES_EMPTY_QUERY;
}

/* All results of what was sent: the last one, or the first error. */
static stg_error_t *finish(PGresult **last, PGconn *conn, apr_time_t deadline,
                           const char *what, apr_pool_t *p)
{
    PGresult *kept = NULL;
    stg_error_t *err = STG_OK;

    for (;;) {
        PGresult *result = NULL;
        stg_error_t *lost = next_result(&result, conn, deadline, what, p);

        if (lost || !result) {
            err = err ? err : lost;
            break;
        }
        if (!err && !is_good(result))
            err = stg_db_error_of(p, result, what);
        PQclear(kept);
        kept = result;
    }
    if (!err && !kept)
        err = stg_db_error_down(p, conn, what);
    if (err)
        PQclear(kept);
    else
        *last = kept;
    return err;
}

stg_error_t *stg_link_script(const char **tag, PGconn *conn, const char *sql,
                             int seconds, apr_pool_t *p)
{
    apr_time_t deadline = deadline_in(seconds);
    PGresult *result;

    if (!PQsendQuery(conn, sql))
        return stg_db_error_down(p, conn, "send");
    STG_TRY(finish(&result, conn, deadline, "script", p));
    if (tag)
        *tag = apr_pstrdup(p, PQcmdStatus(result));
    PQclear(result);
    return STG_OK;
}

/* Connect anew with the same parameters. */
static stg_error_t *reset(PGconn *conn, apr_pool_t *p)
{
    apr_time_t deadline = deadline_in(CONNECT_SECONDS);
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;

    if (!PQresetStart(conn))
        return stg_db_error_down(p, conn, "connect");
    while (status != PGRES_POLLING_OK) {
        if (status == PGRES_POLLING_FAILED)
            return stg_db_error_down(p, conn, "connect");
        if (!wait_for(conn, status == PGRES_POLLING_WRITING ? POLLOUT : POLLIN,
                      deadline)) {
            hang_up(conn);
            return stg_because(stg_db_error_down(p, conn, "connect"), p,
                               "Deadline has passed");
        }
        status = PQresetPoll(conn);
    }
    return STG_OK;
}

/* Nothing is due on an idle connection but its end and notices. Both must be
 * read now, for what is sent into a closed connection may not be repeated. */
static int is_alive(PGconn *conn)
{
    while (PQstatus(conn) == CONNECTION_OK && wait_for(conn, POLLIN, 0))
        if (!PQconsumeInput(conn))
            return 0;
    return PQstatus(conn) == CONNECTION_OK &&
           PQtransactionStatus(conn) == PQTRANS_IDLE;
}

/* Plans are made once: our statements go by their indexes whatever the
 * parameters are, but LIMIT $n alone makes PostgreSQL plan each time anew,
 * which takes as long as the statement itself. */
stg_error_t *stg_link_ready(PGconn *conn, int seconds, apr_pool_t *p)
{
    session_t *session = session_of(conn);

    if (!is_alive(conn))
        STG_TRY(reset(conn, p));
    if (session->is_set_up)
        return STG_OK;
    STG_TRY(stg_link_script(
        NULL, conn,
        apr_psprintf(p,
                     "SET application_name = 'mod_staging';"
                     "SET statement_timeout = '%ds';"
                     "SET lock_timeout = '5s';"
                     "SET plan_cache_mode = 'force_generic_plan';"
                     "SET idle_in_transaction_session_timeout = '60s';"
                     "SET client_min_messages = 'error';"
                     "SET TimeZone = 'UTC';"
                     "SET client_encoding = 'UTF8'",
                     seconds),
        CONNECT_SECONDS, p));
    session->is_set_up = 1;
    return STG_OK;
}

/* Names on the connection are shared with other modules. */
static const char *name_of(stg_query_t query, apr_pool_t *p)
{
    return apr_pstrcat(p, "stg_", queries[query].label, NULL);
}

stg_error_t *stg_link_prepare(PGconn *conn, const stg_call_t *call,
                              apr_pool_t *p)
{
    session_t *session = session_of(conn);
    apr_time_t deadline = deadline_in(call->seconds);
    const char *label = queries[call->query].label;
    PGresult *result;

    if (session->is_prepared[call->query])
        return STG_OK;
    if (!PQsendPrepare(conn, name_of(call->query, p), queries[call->query].sql,
                       0, NULL))
        return stg_db_error_down(p, conn, label);
    STG_TRY(finish(&result, conn, deadline, label, p));
    PQclear(result);
    session->is_prepared[call->query] = 1;
    return STG_OK;
}

stg_error_t *stg_link_run(PGresult **result, PGconn *conn,
                          const stg_call_t *call, apr_pool_t *p)
{
    apr_time_t deadline = deadline_in(call->seconds);
    const char *label = queries[call->query].label;
    stg_error_t *err;

    assert(call->count == queries[call->query].count);
    STG_TRY(stg_link_prepare(conn, call, p));
    if (!PQsendQueryPrepared(conn, name_of(call->query, p), call->count,
                             call->params, NULL, NULL, 0))
        return stg_db_error_down(p, conn, label);
    err = finish(result, conn, deadline, label, p);
    if (err && err->code == STG_E_DB_DOWN)
        err->is_unsure = 1;
    /* A bug, or a schema that changed under the prepared statements: begin
     * anew with a fresh connection. */
    if (err && err->code == STG_E_INTERNAL)
        hang_up(conn);
    return err;
}

void stg_link_end(PGconn *conn)
{
    if (PQtransactionStatus(conn) != PQTRANS_IDLE)
        hang_up(conn);
}
