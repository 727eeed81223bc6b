/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "db/db.h"
#include "db/db_error.h"

#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

/*
 * A lender with connections of its own, for stagingctl and tests. The last
 * one given back is lent first, so that a quiet time uses few of them.
 */

enum { WAIT_SECONDS = 5, CONNECT_SECONDS = 5 };

typedef struct pool_t {
    const char *dsn;
    int max;
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *returned;
    struct {
        PGconn **idle; /* a stack */
        int idle_count;
        int count; /* lent ones too */
    } synced;
} pool_t;

static apr_status_t close_all(void *context)
{
    pool_t *pool = context;

    while (pool->synced.idle_count)
        PQfinish(pool->synced.idle[--pool->synced.idle_count]);
    return APR_SUCCESS;
}

/* *conn = NULL: the caller has leave to make one. */
static stg_error_t *take_synced(PGconn **conn, pool_t *pool, apr_pool_t *p)
{
    apr_time_t end = stg_clock_monotonic() + apr_time_from_sec(WAIT_SECONDS);

    while (!pool->synced.idle_count && pool->synced.count == pool->max) {
        apr_time_t left = end - stg_clock_monotonic();

        if (left <= 0)
            return stg_db_error_busy(p, "No database connection is free");
        apr_thread_cond_timedwait(pool->returned, pool->mutex, left);
    }
    if (pool->synced.idle_count) {
        *conn = pool->synced.idle[--pool->synced.idle_count];
        return STG_OK;
    }
    *conn = NULL;
    pool->synced.count++;
    return STG_OK;
}

/* connect_timeout is the default only: what stands in the dsn is later. */
static PGconn *connect_to(const char *dsn, apr_pool_t *p)
{
    const char *names[] = {"connect_timeout", "dbname", NULL};
    const char *values[] = {apr_itoa(p, CONNECT_SECONDS), dsn, NULL};

    return PQconnectdbParams(names, values, 1);
}

static void give_back(void *context, void *loan)
{
    pool_t *pool = context;

    apr_thread_mutex_lock(pool->mutex);
    pool->synced.idle[pool->synced.idle_count++] = loan;
    apr_thread_cond_signal(pool->returned);
    apr_thread_mutex_unlock(pool->mutex);
}

/* One that cannot connect is gone. */
static void forget(pool_t *pool, PGconn *conn)
{
    PQfinish(conn);
    apr_thread_mutex_lock(pool->mutex);
    pool->synced.count--;
    apr_thread_cond_signal(pool->returned);
    apr_thread_mutex_unlock(pool->mutex);
}

static stg_error_t *borrow(void *context, void **loan, void **lent,
                           apr_pool_t *p)
{
    pool_t *pool = context;
    PGconn *conn = NULL;
    stg_error_t *err;

    apr_thread_mutex_lock(pool->mutex);
    err = take_synced(&conn, pool, p);
    apr_thread_mutex_unlock(pool->mutex);
    if (err)
        return err;
    if (!conn) {
        conn = connect_to(pool->dsn, p);
        if (PQstatus(conn) != CONNECTION_OK) {
            err = stg_db_error_down(p, conn, "connect");
            forget(pool, conn);
            return err;
        }
    }
    *loan = *lent = conn;
    return STG_OK;
}

stg_error_t *stg_db_pool_create(stg_db_lender_t *lender, const char *dsn,
                                int max, apr_pool_t *p)
{
    pool_t *pool = apr_pcalloc(p, sizeof(*pool));
    apr_status_t status;

    pool->dsn = apr_pstrdup(p, dsn);
    pool->max = max;
    pool->synced.idle = apr_pcalloc(p, max * sizeof(*pool->synced.idle));
    status = apr_thread_mutex_create(&pool->mutex, APR_THREAD_MUTEX_DEFAULT, p);
    if (!status)
        status = apr_thread_cond_create(&pool->returned, p);
    if (status)
        return stg_because_apr(stg_raise(p, STG_E_INTERNAL, "internal error"),
                               p, status, "Making the connection pool");
    apr_pool_cleanup_register(p, pool, close_all, apr_pool_cleanup_null);
    lender->borrow = borrow;
    lender->give_back = give_back;
    lender->context = pool;
    return STG_OK;
}
