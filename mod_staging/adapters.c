/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters.h"

#include "base/clock.h"
#include "base/log.h"
#include "web/web.h"

#include <apr_dbd.h>
#include <apr_optional.h>
#include <apr_shm.h>
#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <http_log.h>
#include <http_main.h>
#include <mod_dbd.h>

#include <string.h>

APLOG_USE_MODULE(staging);

static void print_log(const char *file, int line, stg_level_t level,
                      const char *text)
{
    ap_log_error_(file, line, APLOG_MODULE_INDEX, (int)level, 0, ap_server_conf,
                  "%s", text);
}

void stg_adapters_log(void)
{
    stg_log_init(print_log);
}

/* mod_dbd lets callers wait for a connection without end, and lets each try
 * in turn to reach a database that is gone. We wait for PATIENCE_SECONDS, and
 * after a failure try again only a second later. */
enum { PATIENCE_SECONDS = 5 };

typedef struct pool_t {
    server_rec *server;
    APR_OPTIONAL_FN_TYPE(ap_dbd_open) * open;
    APR_OPTIONAL_FN_TYPE(ap_dbd_close) * close;
    int max;
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *returned;
    struct {
        int lent;
        apr_time_t failed; /* monotonic; 0: the last attempt went well */
    } synced;
} pool_t;

static stg_error_t *is_down(apr_pool_t *p)
{
    stg_error_t *err =
        stg_raise(p, STG_E_DB_DOWN,
                  "the database cannot be reached: try again in a moment");

    err->retry_after = 5;
    return stg_because(err, p, "mod_dbd gave no connection");
}

static int has_just_failed_synced(const pool_t *pool)
{
    return pool->synced.failed &&
           stg_clock_monotonic() - pool->synced.failed < APR_USEC_PER_SEC;
}

/* A place among those that may hold a connection. */
static stg_error_t *take_place(pool_t *pool, apr_pool_t *p)
{
    apr_time_t deadline =
        stg_clock_monotonic() + apr_time_from_sec(PATIENCE_SECONDS);
    apr_interval_time_t left = apr_time_from_sec(PATIENCE_SECONDS);
    stg_error_t *err = STG_OK;

    apr_thread_mutex_lock(pool->mutex);
    while (pool->synced.lent >= pool->max && left > 0) {
        apr_thread_cond_timedwait(pool->returned, pool->mutex, left);
        left = deadline - stg_clock_monotonic();
    }
    if (has_just_failed_synced(pool)) {
        err = is_down(p);
    } else if (pool->synced.lent >= pool->max) {
        err = stg_raise(p, STG_E_BUSY,
                        "the database is too busy: try again in a moment");
        err->retry_after = 1;
        err = stg_because(err, p, "all %d connections of DBDMax are in use",
                          pool->max);
    } else {
        pool->synced.lent++;
    }
    apr_thread_mutex_unlock(pool->mutex);
    return err;
}

static void leave_place(pool_t *pool)
{
    apr_thread_mutex_lock(pool->mutex);
    pool->synced.lent--;
    apr_thread_cond_signal(pool->returned);
    apr_thread_mutex_unlock(pool->mutex);
}

static void note_outcome(pool_t *pool, int is_open)
{
    apr_thread_mutex_lock(pool->mutex);
    pool->synced.failed = is_open ? 0 : stg_clock_monotonic();
    apr_thread_mutex_unlock(pool->mutex);
}

/* mod_dbd has logged the reason when it gives none. */
static stg_error_t *borrow(void *context, void **loan, void **conn,
                           apr_pool_t *p)
{
    pool_t *pool = context;
    ap_dbd_t *dbd;

    STG_TRY(take_place(pool, p));
    dbd = pool->open(p, pool->server);
    note_outcome(pool, dbd != NULL);
    if (!dbd) {
        leave_place(pool);
        return is_down(p);
    }
    *loan = dbd;
    *conn = apr_dbd_native_handle(dbd->driver, dbd->handle);
    return STG_OK;
}

static void give_back(void *context, void *loan)
{
    pool_t *pool = context;

    pool->close(pool->server, loan);
    leave_place(pool);
}

const stg_db_lender_t *stg_adapters_db(server_rec *s, int max, apr_pool_t *p)
{
    stg_db_lender_t *lender = apr_pcalloc(p, sizeof(*lender));
    pool_t *pool = apr_pcalloc(p, sizeof(*pool));

    pool->server = s;
    pool->open = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_open);
    pool->close = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_close);
    pool->max = max;
    if (!pool->open || !pool->close ||
        apr_thread_mutex_create(&pool->mutex, APR_THREAD_MUTEX_DEFAULT, p) ||
        apr_thread_cond_create(&pool->returned, p))
        return NULL;
    lender->borrow = borrow;
    lender->give_back = give_back;
    lender->context = pool;
    return lender;
}

void *stg_adapters_shared(const char *name, apr_size_t size, server_rec *s)
{
    apr_pool_t *p = s->process->pool;
    void *memory = NULL;
    apr_shm_t *shm;

    apr_pool_userdata_get(&memory, name, p);
    if (memory)
        return memory;
    if (apr_shm_create(&shm, size, NULL, p) != APR_SUCCESS)
        return NULL;
    memory = apr_shm_baseaddr_get(shm);
    memset(memory, 0, size);
    apr_pool_userdata_set(memory, name, NULL, p);
    return memory;
}
