/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters.h"

#include "base/log.h"
#include "web/web.h"

#include <apr_dbd.h>
#include <apr_optional.h>
#include <apr_shm.h>
#include <apr_strings.h>
#include <http_log.h>
#include <http_main.h>
#include <mod_dbd.h>

#include <string.h>

APLOG_USE_MODULE(staging);

static void print_log(const char *file, int line, stg_level_t level,
                      const char *text)
{
    ap_log_error_(file, line, APLOG_MODULE_INDEX, (int)level, 0,
                  ap_server_conf, "%s", text);
}

void stg_adapters_log(void)
{
    stg_log_init(print_log);
}

typedef struct pool_t {
    server_rec *server;
    APR_OPTIONAL_FN_TYPE(ap_dbd_open) *open;
    APR_OPTIONAL_FN_TYPE(ap_dbd_close) *close;
} pool_t;

/* mod_dbd has logged the reason when it gives none. */
static stg_error_t *borrow(void *context, void **loan, void **conn,
                           apr_pool_t *p)
{
    pool_t *pool = context;
    ap_dbd_t *dbd = pool->open(p, pool->server);
    stg_error_t *err;

    if (!dbd) {
        err = stg_because(stg_raise(p, STG_E_DB_DOWN,
                                    "the database cannot be reached: try "
                                    "again in a moment"),
                          p, "mod_dbd gave no connection");
        err->retry_after = 5;
        return err;
    }
    *loan = dbd;
    *conn = apr_dbd_native_handle(dbd->driver, dbd->handle);
    return STG_OK;
}

static void give_back(void *context, void *loan)
{
    pool_t *pool = context;

    pool->close(pool->server, loan);
}

const stg_db_lender_t *stg_adapters_db(server_rec *s, apr_pool_t *p)
{
    stg_db_lender_t *lender = apr_pcalloc(p, sizeof(*lender));
    pool_t *pool = apr_pcalloc(p, sizeof(*pool));

    pool->server = s;
    pool->open = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_open);
    pool->close = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_close);
    if (!pool->open || !pool->close)
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
