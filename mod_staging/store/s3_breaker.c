/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3_breaker.h"

#include <pthread.h>

struct stg_s3_breaker_t {
    pthread_mutex_t mutex;
    struct {
        int attempts;        /* without an answer, in a row */
        apr_time_t since;    /* the first of them began */
        apr_time_t next_try; /* 0: the store is not down */
        apr_time_t answered; /* last */
    } synced;
};

static apr_status_t destroy(void *data)
{
    stg_s3_breaker_t *breaker = data;

    pthread_mutex_destroy(&breaker->mutex);
    return APR_SUCCESS;
}

stg_s3_breaker_t *stg_s3_breaker_create(apr_pool_t *p)
{
    stg_s3_breaker_t *breaker = apr_pcalloc(p, sizeof(*breaker));

    pthread_mutex_init(&breaker->mutex, NULL);
    apr_pool_cleanup_register(p, breaker, destroy, apr_pool_cleanup_null);
    return breaker;
}

/* Whoever tries puts off the next try, so that nobody has to say that his is
 * over. */
int stg_s3_breaker_enter(stg_s3_breaker_t *breaker, apr_time_t now)
{
    int may_enter;

    pthread_mutex_lock(&breaker->mutex);
    may_enter = now >= breaker->synced.next_try;
    if (may_enter && breaker->synced.next_try)
        breaker->synced.next_try =
            now + apr_time_from_sec(STG_S3_BREAKER_PAUSE);
    pthread_mutex_unlock(&breaker->mutex);
    return may_enter;
}

void stg_s3_breaker_answered(stg_s3_breaker_t *breaker, apr_time_t now)
{
    pthread_mutex_lock(&breaker->mutex);
    breaker->synced.answered = now;
    breaker->synced.attempts = 0;
    breaker->synced.next_try = 0;
    pthread_mutex_unlock(&breaker->mutex);
}

static void count_synced(stg_s3_breaker_t *breaker, apr_time_t begun,
                         apr_time_t now)
{
    if (breaker->synced.attempts == 0)
        breaker->synced.since = begun;
    if (breaker->synced.attempts < STG_S3_BREAKER_ATTEMPTS)
        breaker->synced.attempts++;
    if (breaker->synced.attempts == STG_S3_BREAKER_ATTEMPTS &&
        now - breaker->synced.since >=
            apr_time_from_sec(STG_S3_BREAKER_SECONDS))
        breaker->synced.next_try =
            now + apr_time_from_sec(STG_S3_BREAKER_PAUSE);
}

void stg_s3_breaker_silent(stg_s3_breaker_t *breaker, apr_time_t begun,
                           apr_time_t now)
{
    pthread_mutex_lock(&breaker->mutex);
    if (begun >= breaker->synced.answered)
        count_synced(breaker, begun, now);
    pthread_mutex_unlock(&breaker->mutex);
}

int stg_s3_breaker_is_down(stg_s3_breaker_t *breaker)
{
    int is_down;

    pthread_mutex_lock(&breaker->mutex);
    is_down = breaker->synced.next_try != 0;
    pthread_mutex_unlock(&breaker->mutex);
    return is_down;
}
