/* SPDX-License-Identifier: Apache-2.0 */
#include "lifecycle.h"

#include "accounts/api_key.h"
#include "adapters.h"
#include "auth/iam.h"
#include "auth/password.h"
#include "background.h"
#include "base/metrics.h"
#include "core/node.h"
#include "core/object.h"
#include "core/transfer.h"
#include "core/worker.h"
#include "net/http_client.h"
#include "setup.h"
#include "web/drain.h"
#include "web/process.h"
#include "web/web.h"

#include <apr_atomic.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <ap_mpm.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_main.h>
#include <mpm_common.h>

#include <stdlib.h>

APLOG_USE_MODULE(staging);

/* A request waits no longer for the database, nor does a batch of the
 * collector need more. */
enum { STATEMENT_SECONDS = 10 };

/* mod_dbd connects without a limit of its own, and so would wait for ever for a
 * PostgreSQL that is frozen; libpq's default is an environment variable. */
static const char connect_seconds[] = "5";

static int pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)pconf;
    (void)plog;
    (void)ptemp;
    stg_adapters_log();
    setenv("PGCONNECT_TIMEOUT", connect_seconds, 0);
    return OK;
}

static void log_error(server_rec *s, const stg_error_t *err, apr_pool_t *p)
{
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, s, "staging: %s",
                 stg_error_text(err, p));
}

/* The second pass of the start, still as root: what children may not read
 * and what they share. */
static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *s)
{
    stg_settings_t *settings =
        ap_get_module_config(s->module_config, &staging_module);
    stg_error_t *err;

    (void)plog;
    (void)ptemp;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG)
        return OK;
    err = stg_setup_secret(&settings->secret, settings, pconf);
    if (err) {
        log_error(s, err, pconf);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    settings->dbd_max = stg_setup_dbd_max();
    settings->metrics_memory =
        stg_adapters_shared("staging-metrics", stg_metrics_size(), s);
    settings->is_probed =
        stg_adapters_shared("staging-probed", sizeof(apr_uint32_t), s);
    if (!settings->metrics_memory || !settings->is_probed) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s,
                     "staging: no shared memory can be had");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    apr_atomic_set32(settings->is_probed, 0);
    stg_setup_warn(ptemp, s);
    return OK;
}

static void test_config(apr_pool_t *pconf, server_rec *s)
{
    stg_setup_warn(pconf, s);
    stg_setup_ask(pconf, s);
}

static stg_error_t *make_auth(stg_process_t *process, apr_pool_t *p)
{
    stg_http_client_t *http = stg_http_client_create(p);
    apr_array_header_t *issuers;
    stg_iam_config_t *iam;

    STG_TRY(stg_setup_issuers(&issuers, process->settings, p));
    STG_TRY(stg_issuers_create(&process->issuers, issuers, http, p));
    STG_TRY(stg_setup_iam(&iam, process->settings, p));
    if (iam)
        process->iam = stg_iam_create(iam, process->issuers, http, p);
    STG_TRY(stg_password_gate_create(&process->passwords, p));
    return stg_api_keys_create(&process->api_keys, p);
}

static stg_error_t *make_staging(stg_staging_t *staging,
                                 const stg_settings_t *settings, server_rec *s,
                                 apr_pool_t *p)
{
    const stg_db_lender_t *lender = stg_adapters_db(s, settings->dbd_max, p);

    if (!lender)
        return stg_raise(p, STG_E_INTERNAL,
                         "mod_dbd is not loaded: the database cannot be used");
    staging->db = stg_db_create(lender, p);
    stg_db_set_limit(staging->db, STATEMENT_SECONDS);
    staging->node = stg_node_create(p);
    staging->transfers = stg_transfers_create(staging, p);
    if (!staging->transfers)
        return stg_raise(p, STG_E_INTERNAL, "no thread is to be had");
    return stg_setup_stores(staging, settings, p);
}

/* The start-up probe, in a thread of its own. */
typedef struct probe_t {
    stg_staging_t staging; /* its stores hear of is_stopping */
    int is_stopping;       /* atomic */
    apr_thread_t *thread;
} probe_t;

static int is_stopping(const probe_t *probe)
{
    return __atomic_load_n(&probe->is_stopping, __ATOMIC_RELAXED);
}

/* One line for each store: what it is and what it supports. */
static void *APR_THREAD_FUNC probe_stores(apr_thread_t *thread, void *data)
{
    probe_t *probe = data;
    stg_staging_t *staging = &probe->staging;
    apr_pool_t *p;

    apr_pool_create_unmanaged(&p);
    for (int i = 0; i < staging->stores.count && !is_stopping(probe); i++) {
        stg_store_t *store = staging->stores.list[i];
        const char *summary;
        stg_error_t *err = stg_object_probe(&summary, staging, store, p);

        if (err && !is_stopping(probe))
            ap_log_error(APLOG_MARK, APLOG_ERR, 0, ap_server_conf,
                         "staging: store %s: %s", store->name,
                         stg_error_text(err, p));
        else if (!err)
            ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, ap_server_conf,
                         "staging: store %s: %s", store->name, summary);
    }
    apr_pool_destroy(p);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static apr_status_t end_probe(void *data)
{
    probe_t *probe = data;
    apr_status_t status;

    __atomic_store_n(&probe->is_stopping, 1, __ATOMIC_RELAXED);
    return apr_thread_join(&status, probe->thread);
}

/* Never blocks the start; once for all children. */
static void start_probe(stg_process_t *process, apr_pool_t *p)
{
    probe_t *probe;

    if (apr_atomic_cas32(process->settings->is_probed, 1, 0) != 0)
        return;
    probe = apr_pcalloc(p, sizeof(*probe));
    probe->staging = process->staging;
    probe->staging.stores =
        stg_stores_stoppable(&process->staging.stores, &probe->is_stopping, p);
    if (apr_thread_create(&probe->thread, NULL, probe_stores, probe, p) ==
        APR_SUCCESS)
        apr_pool_pre_cleanup_register(p, probe, end_probe);
}

static stg_error_t *start_process(stg_process_t *process, server_rec *s,
                                  apr_pool_t *p)
{
    const stg_settings_t *settings = process->settings;
    stg_worker_options_t *options = apr_pcalloc(p, sizeof(*options));
    stg_worker_t *worker;

    stg_http_init();
    stg_metrics_init(settings->metrics_memory);
    process->ticket_secret = settings->secret;
    process->drain = stg_drain_create(apr_time_from_sec(settings->drain), p);
    process->handover = stg_drain_create(1, p);
    if (!process->drain || !process->handover)
        return stg_raise(p, STG_E_INTERNAL, "no thread is to be had");
    STG_TRY(make_staging(&process->staging, settings, s, p));
    STG_TRY(make_auth(process, p));
    options->kinds = stg_job_kinds;
    options->steps = stg_gc_steps;
    options->job_threads = settings->job_threads;
    options->gc_interval = (int)settings->gc_interval;
    STG_TRY(stg_worker_start(&worker, &process->staging, options, p));
    start_probe(process, p);
    return STG_OK;
}

/* A child that cannot start serves on, and answers our locations with 500:
 * other sites of the server are none of our business. */
static void child_init(apr_pool_t *pchild, server_rec *s)
{
    stg_settings_t *settings =
        ap_get_module_config(s->module_config, &staging_module);
    stg_process_t *process;
    stg_error_t *err;

    if (!settings->mounts->nelts)
        return;
    process = apr_pcalloc(pchild, sizeof(*process));
    process->settings = settings;
    err = start_process(process, s, pchild);
    if (err)
        log_error(s, err, pchild);
    else
        settings->process = process;
}

/* Requests go on, background work is for those that stay. */
static void child_stopping(apr_pool_t *pchild, int is_graceful)
{
    stg_process_t *process = stg_process();

    (void)pchild;
    (void)is_graceful;
    if (!process)
        return;
    stg_worker_stop(process->staging.worker);
    stg_drain_begin(process->drain);
    stg_drain_begin(process->handover);
}

void stg_lifecycle_hooks(apr_pool_t *p)
{
    static const char *const dbd[] = {"mod_dbd.c", NULL};

    (void)p;
    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(stg_setup_check, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_test_config(test_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, dbd, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_stopping(child_stopping, NULL, NULL, APR_HOOK_MIDDLE);
}
