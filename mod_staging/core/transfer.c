/* SPDX-License-Identifier: Apache-2.0 */
#include "core/transfer.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/node.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

#include <signal.h>
#include <string.h>

#define LOOK_EVERY apr_time_from_sec(1)
#define HAND_BACK_EVERY apr_time_from_sec(10)

struct stg_transfers_t {
    stg_staging_t *staging;
    apr_thread_t *thread;
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *changed;
    struct {
        stg_transfer_t *first;
        int is_ending;
    } synced;
};

static const char *hold_of(const stg_transfer_t *transfer, apr_pool_t *p)
{
    return apr_pstrcat(p, transfer->object, " ", transfer->fence, NULL);
}

static void want_synced(stg_transfer_t *transfer)
{
    __atomic_store_n(&transfer->is_wanted, 1, __ATOMIC_RELAXED);
    if (transfer->wake)
        transfer->wake(transfer->context);
}

/* --- the thread ----------------------------------------------------------- */

/* What is held here: the objects, and as keys of a table the holds. */
static apr_hash_t *holds_copy(apr_array_header_t *objects,
                              stg_transfers_t *transfers, apr_pool_t *p)
{
    apr_hash_t *holds = apr_hash_make(p);

    apr_thread_mutex_lock(transfers->mutex);
    for (const stg_transfer_t *one = transfers->synced.first; one;
         one = one->next) {
        if (!one->fence)
            continue;
        apr_hash_set(holds, hold_of(one, p), APR_HASH_KEY_STRING, holds);
        APR_ARRAY_PUSH(objects, const char *) = apr_pstrdup(p, one->object);
    }
    apr_thread_mutex_unlock(transfers->mutex);
    return holds;
}

/* Those that were held when the database was asked, and that it did not name:
 * wanted, taken by force, or deleted. */
static void tell(stg_transfers_t *transfers, apr_hash_t *asked, apr_pool_t *p)
{
    apr_thread_mutex_lock(transfers->mutex);
    for (stg_transfer_t *one = transfers->synced.first; one; one = one->next) {
        if (one->fence &&
            apr_hash_get(asked, hold_of(one, p), APR_HASH_KEY_STRING))
            want_synced(one);
    }
    apr_thread_mutex_unlock(transfers->mutex);
}

/* A database that does not answer is other threads' complaint. */
static void look(stg_transfers_t *transfers, apr_pool_t *p)
{
    apr_array_header_t *objects = apr_array_make(p, 8, sizeof(const char *));
    apr_hash_t *holds = holds_copy(objects, transfers, p);
    stg_rows_t *rows;

    if (!objects->nelts ||
        stg_db_query(&rows, transfers->staging->db, STG_Q_PART_UPLOAD_UNWANTED,
                     p,
                     STG_PARAMS(stg_db_array((const char *const *)objects->elts,
                                             objects->nelts, p))))
        return;
    for (int i = 0; i < stg_rows_count(rows); i++)
        apr_hash_set(holds, stg_rows_text(rows, i, "hold"), APR_HASH_KEY_STRING,
                     NULL);
    tell(transfers, holds, p);
}

static void hand_back(stg_transfers_t *transfers, apr_pool_t *p)
{
    apr_array_header_t *objects = apr_array_make(p, 8, sizeof(const char *));
    apr_array_header_t *list = apr_array_make(p, 8, sizeof(const char *));
    apr_hash_t *holds = holds_copy(objects, transfers, p);
    stg_staging_t *staging = transfers->staging;
    stg_error_t *err;

    for (apr_hash_index_t *i = apr_hash_first(p, holds); i;
         i = apr_hash_next(i))
        APR_ARRAY_PUSH(list, const char *) = apr_hash_this_key(i);
    err = stg_db_query(NULL, staging->db, STG_Q_PART_UPLOAD_HAND_BACK, p,
                       STG_PARAMS(stg_node_id(staging->node),
                                  stg_db_array((const char *const *)list->elts,
                                               list->nelts, p)));
    if (err)
        stg_log(STG_LOG_INFO, "part uploads are handed back later: %s",
                stg_error_text(err, p));
}

/* Until it is time to look, if there is anything to look after, or at last to
 * hand back. 0: the process ends. */
static int await_turn(stg_transfers_t *transfers, apr_time_t hand_back_at)
{
    apr_time_t began = stg_clock_monotonic();
    int is_ending;

    apr_thread_mutex_lock(transfers->mutex);
    while (!transfers->synced.is_ending) {
        apr_time_t until =
            transfers->synced.first ? began + LOOK_EVERY : hand_back_at;
        apr_time_t now = stg_clock_monotonic();

        if (now >= until || now >= hand_back_at)
            break;
        if (until > hand_back_at)
            until = hand_back_at;
        apr_thread_cond_timedwait(transfers->changed, transfers->mutex,
                                  until - now);
    }
    is_ending = transfers->synced.is_ending;
    apr_thread_mutex_unlock(transfers->mutex);
    return !is_ending;
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    stg_transfers_t *transfers = data;
    apr_time_t hand_back_at = stg_clock_monotonic() + HAND_BACK_EVERY;
    apr_pool_t *p;

    (void)thread;
    apr_pool_create(&p, NULL);
    while (await_turn(transfers, hand_back_at)) {
        look(transfers, p);
        if (stg_clock_monotonic() >= hand_back_at) {
            hand_back(transfers, p);
            hand_back_at = stg_clock_monotonic() + HAND_BACK_EVERY;
        }
        apr_pool_clear(p);
    }
    apr_pool_destroy(p);
    return NULL;
}

static apr_status_t end(void *data)
{
    stg_transfers_t *transfers = data;
    apr_status_t status;

    apr_thread_mutex_lock(transfers->mutex);
    transfers->synced.is_ending = 1;
    apr_thread_cond_broadcast(transfers->changed);
    apr_thread_mutex_unlock(transfers->mutex);
    return apr_thread_join(&status, transfers->thread);
}

/* Signals are the host's affair. */
static apr_status_t start(stg_transfers_t *transfers, apr_pool_t *p)
{
    sigset_t all, old;
    apr_status_t status;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    status = apr_thread_create(&transfers->thread, NULL, run, transfers, p);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return status;
}

stg_transfers_t *stg_transfers_create(stg_staging_t *staging, apr_pool_t *p)
{
    stg_transfers_t *transfers = apr_pcalloc(p, sizeof(*transfers));

    transfers->staging = staging;
    if (apr_thread_mutex_create(&transfers->mutex, APR_THREAD_MUTEX_DEFAULT,
                                p) ||
        apr_thread_cond_create(&transfers->changed, p) || start(transfers, p))
        return NULL;
    apr_pool_pre_cleanup_register(p, transfers, end);
    return transfers;
}

/* --- the requests --------------------------------------------------------- */

void stg_transfers_enter(stg_transfers_t *transfers, stg_transfer_t *transfer)
{
    if (!transfers)
        return;
    apr_thread_mutex_lock(transfers->mutex);
    transfer->next = transfers->synced.first;
    transfers->synced.first = transfer;
    apr_thread_cond_signal(transfers->changed);
    apr_thread_mutex_unlock(transfers->mutex);
}

void stg_transfers_taken(stg_transfers_t *transfers, stg_transfer_t *transfer,
                         const char *fence)
{
    if (transfers)
        apr_thread_mutex_lock(transfers->mutex);
    transfer->fence = fence;
    if (transfers)
        apr_thread_mutex_unlock(transfers->mutex);
}

void stg_transfers_leave(stg_transfers_t *transfers, stg_transfer_t *transfer)
{
    stg_transfer_t **link;

    if (!transfers)
        return;
    apr_thread_mutex_lock(transfers->mutex);
    link = &transfers->synced.first;
    while (*link != transfer)
        link = &(*link)->next;
    *link = transfer->next;
    apr_thread_mutex_unlock(transfers->mutex);
}

/* Somebody may have wanted it before there was anything to wake. */
void stg_transfers_wake_with(stg_transfers_t *transfers,
                             stg_transfer_t *transfer,
                             void (*wake)(void *context), void *context)
{
    if (!transfers)
        return;
    apr_thread_mutex_lock(transfers->mutex);
    transfer->wake = wake;
    transfer->context = context;
    if (wake && __atomic_load_n(&transfer->is_wanted, __ATOMIC_RELAXED))
        wake(context);
    apr_thread_mutex_unlock(transfers->mutex);
}

int stg_transfers_want(stg_transfers_t *transfers, const char *object,
                       const char *fence)
{
    int is_here = 0;

    if (!transfers)
        return 0;
    apr_thread_mutex_lock(transfers->mutex);
    for (stg_transfer_t *one = transfers->synced.first; one; one = one->next) {
        if (!one->fence || strcmp(one->object, object) != 0 ||
            strcmp(one->fence, fence) != 0)
            continue;
        want_synced(one);
        is_here = 1;
    }
    apr_thread_mutex_unlock(transfers->mutex);
    return is_here;
}
