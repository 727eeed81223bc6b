/* SPDX-License-Identifier: Apache-2.0 */
#include "web/drain.h"

#include "base/clock.h"

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

#include <signal.h>

enum { WAKE_SECONDS = 1, LAST_SECONDS = 8, RETRY_SECONDS = 5 };

struct stg_drain_t {
    apr_interval_time_t after;
    int is_over; /* atomic, as is_last */
    int is_last;
    apr_thread_t *thread;
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *changed;
    struct {
        int has_begun;
        int is_ending;
        stg_drain_wait_t *waits;
    } synced;
};

static void wake_synced(const stg_drain_t *drain)
{
    for (stg_drain_wait_t *wait = drain->synced.waits; wait; wait = wait->next)
        stg_waker_wake(&wait->waker);
}

static void sleep_synced(stg_drain_t *drain, apr_interval_time_t time)
{
    apr_time_t end = stg_clock_monotonic() + time;

    while (!drain->synced.is_ending && stg_clock_monotonic() < end)
        apr_thread_cond_timedwait(drain->changed, drain->mutex,
                                  end - stg_clock_monotonic());
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    stg_drain_t *drain = data;
    apr_time_t last;

    (void)thread;
    apr_thread_mutex_lock(drain->mutex);
    while (!drain->synced.has_begun && !drain->synced.is_ending)
        apr_thread_cond_wait(drain->changed, drain->mutex);
    sleep_synced(drain, drain->after);
    __atomic_store_n(&drain->is_over, 1, __ATOMIC_RELAXED);
    last = stg_clock_monotonic() + apr_time_from_sec(LAST_SECONDS);
    while (!drain->synced.is_ending) {
        sleep_synced(drain, apr_time_from_sec(WAKE_SECONDS));
        wake_synced(drain);
        if (stg_clock_monotonic() >= last)
            __atomic_store_n(&drain->is_last, 1, __ATOMIC_RELAXED);
    }
    apr_thread_mutex_unlock(drain->mutex);
    return NULL;
}

static apr_status_t end(void *data)
{
    stg_drain_t *drain = data;
    apr_status_t status;

    apr_thread_mutex_lock(drain->mutex);
    drain->synced.is_ending = 1;
    apr_thread_cond_broadcast(drain->changed);
    apr_thread_mutex_unlock(drain->mutex);
    return apr_thread_join(&status, drain->thread);
}

/* Signals are httpd's affair. */
static apr_status_t start(stg_drain_t *drain, apr_pool_t *p)
{
    sigset_t all, old;
    apr_status_t status;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    status = apr_thread_create(&drain->thread, NULL, run, drain, p);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return status;
}

stg_drain_t *stg_drain_create(apr_interval_time_t after, apr_pool_t *p)
{
    stg_drain_t *drain = apr_pcalloc(p, sizeof(*drain));

    drain->after = after;
    if (apr_thread_mutex_create(&drain->mutex, APR_THREAD_MUTEX_DEFAULT, p) ||
        apr_thread_cond_create(&drain->changed, p))
        return NULL;
    if (!after)
        return drain;
    if (start(drain, p))
        return NULL;
    apr_pool_pre_cleanup_register(p, drain, end);
    return drain;
}

void stg_drain_begin(stg_drain_t *drain)
{
    apr_thread_mutex_lock(drain->mutex);
    drain->synced.has_begun = 1;
    apr_thread_cond_broadcast(drain->changed);
    apr_thread_mutex_unlock(drain->mutex);
}

const int *stg_drain_flag(const stg_drain_t *drain)
{
    return &drain->is_over;
}

const int *stg_drain_last_flag(const stg_drain_t *drain)
{
    return &drain->is_last;
}

int stg_drain_is_over(const stg_drain_t *drain)
{
    return __atomic_load_n(&drain->is_over, __ATOMIC_RELAXED);
}

stg_error_t *stg_drain_check(const stg_drain_t *drain, request_rec *r)
{
    stg_error_t *err;

    if (!stg_drain_is_over(drain))
        return STG_OK;
    stg_waker_close_soon(r);
    err = stg_raise(r->pool, STG_E_BUSY,
                    "the server restarted before all had come: send it again");
    err->retry_after = RETRY_SECONDS;
    return err;
}

void stg_drain_enter(stg_drain_wait_t *wait, stg_drain_t *drain,
                     const request_rec *r)
{
    wait->drain = drain;
    stg_waker_set(&wait->waker, r);
    apr_thread_mutex_lock(drain->mutex);
    wait->next = drain->synced.waits;
    drain->synced.waits = wait;
    apr_thread_mutex_unlock(drain->mutex);
}

void stg_drain_leave(stg_drain_wait_t *wait)
{
    stg_drain_t *drain = wait->drain;
    stg_drain_wait_t **link = &drain->synced.waits;

    apr_thread_mutex_lock(drain->mutex);
    while (*link != wait)
        link = &(*link)->next;
    *link = wait->next;
    apr_thread_mutex_unlock(drain->mutex);
}
