/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3_credentials.h"
#include "store/s3_key_sources.h"
#include "base/clock.h"
#include "base/log.h"

#include <apr_strings.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Temporary keys are renewed so long before their end, plus up to half of it
 * again, so that the processes of a machine do not ask at once. */
#define REFRESH_AHEAD apr_time_from_sec(10 * 60)
/* After an attempt, whatever came of it, wait so long. */
#define REFRESH_PAUSE apr_time_from_sec(2 * 60)

/* A set of keys in use by some; wiped and freed by the last of them. */
typedef struct set_t {
    stg_s3_keys_t keys;
    int users;
    apr_pool_t *pool;
} set_t;

struct stg_s3_credentials_t {
    stg_s3_source_t source;
    int is_fixed;
    apr_interval_time_t ahead;
    pthread_mutex_t mutex;
    pthread_cond_t refreshed;
    struct {
        set_t *set; /* NULL until first read */
        int is_refreshing;
        int is_refused;
        apr_time_t next_try;
    } synced;
};

static void wipe(const char *secret)
{
    if (secret)
        OPENSSL_cleanse((char *)(apr_uintptr_t)secret, strlen(secret));
}

static void drop_set(set_t *set)
{
    if (__atomic_sub_fetch(&set->users, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    wipe(set->keys.secret_key);
    wipe(set->keys.token);
    apr_pool_destroy(set->pool);
}

static apr_status_t release_set(void *data)
{
    drop_set(data);
    return APR_SUCCESS;
}

static set_t *make_set(const stg_s3_keys_t *keys)
{
    apr_pool_t *p;
    set_t *set;

    /* Of its own: sets go from thread to thread. */
    if (apr_pool_create_unmanaged(&p) != APR_SUCCESS)
        abort();
    set = apr_pcalloc(p, sizeof(*set));
    set->pool = p;
    set->users = 1;
    set->keys.access_key = apr_pstrdup(p, keys->access_key);
    set->keys.secret_key = apr_pstrdup(p, keys->secret_key);
    set->keys.token = apr_pstrdup(p, keys->token);
    set->keys.expires = keys->expires;
    return set;
}

static apr_status_t destroy(void *data)
{
    stg_s3_credentials_t *credentials = data;

    if (credentials->synced.set)
        drop_set(credentials->synced.set);
    pthread_cond_destroy(&credentials->refreshed);
    pthread_mutex_destroy(&credentials->mutex);
    return APR_SUCCESS;
}

static stg_s3_credentials_t *create(apr_pool_t *p)
{
    stg_s3_credentials_t *credentials = apr_pcalloc(p, sizeof(*credentials));
    unsigned char random = 0;

    RAND_bytes(&random, 1);
    credentials->ahead = REFRESH_AHEAD + REFRESH_AHEAD / 2 * random / 256;
    pthread_mutex_init(&credentials->mutex, NULL);
    pthread_cond_init(&credentials->refreshed, NULL);
    apr_pool_cleanup_register(p, credentials, destroy, apr_pool_cleanup_null);
    return credentials;
}

stg_s3_credentials_t *stg_s3_credentials_fixed(const char *access_key,
                                               const char *secret_key,
                                               apr_pool_t *p)
{
    stg_s3_credentials_t *credentials = create(p);
    const stg_s3_keys_t keys = {.access_key = access_key,
                                .secret_key = secret_key};

    credentials->is_fixed = 1;
    credentials->synced.set = make_set(&keys);
    return credentials;
}

static const char *process_env(const char *name)
{
    return getenv(name);
}

stg_error_t *stg_s3_credentials_open(stg_s3_credentials_t **credentials,
                                     const char *source,
                                     stg_http_client_t *client,
                                     stg_s3_getenv_t *env, apr_pool_t *p)
{
    stg_s3_source_t parsed = {.client = client, .env = env ? env : process_env};

    STG_TRY(stg_s3_source_parse(&parsed, source, p));
    *credentials = create(p);
    (*credentials)->source = parsed;
    return STG_OK;
}

static int is_usable_synced(const stg_s3_credentials_t *credentials,
                            apr_time_t now)
{
    const set_t *set = credentials->synced.set;

    /* A metadata service in trouble hands out expired keys, and the store
     * goes on to accept them: they serve until the next try. */
    return set && (!set->keys.expires || set->keys.expires > now ||
                   now < credentials->synced.next_try);
}

static int is_due_synced(const stg_s3_credentials_t *credentials,
                         apr_interval_time_t min_life, apr_time_t now)
{
    const set_t *set = credentials->synced.set;
    apr_interval_time_t ahead = credentials->ahead;

    if (credentials->is_fixed)
        return 0;
    if (!set)
        return 1;
    if (now < credentials->synced.next_try)
        return 0;
    if (min_life > ahead)
        ahead = min_life;
    return credentials->synced.is_refused ||
           (set->keys.expires && set->keys.expires - now < ahead);
}

/* Called with the lock held; gives it away while reading the source. */
static stg_error_t *refresh_synced(stg_s3_credentials_t *credentials,
                                   apr_pool_t *p)
{
    stg_s3_keys_t keys;
    stg_error_t *err;
    set_t *old = credentials->synced.set;

    credentials->synced.is_refreshing = 1;
    pthread_mutex_unlock(&credentials->mutex);
    err = stg_s3_source_read(&keys, &credentials->source, p);
    pthread_mutex_lock(&credentials->mutex);
    credentials->synced.is_refreshing = 0;
    pthread_cond_broadcast(&credentials->refreshed);
    if (old)
        credentials->synced.next_try = stg_clock_now() + REFRESH_PAUSE;
    STG_TRY(err);
    credentials->synced.set = make_set(&keys);
    credentials->synced.is_refused = 0;
    if (keys.expires)
        credentials->synced.next_try = stg_clock_now() + REFRESH_PAUSE;
    if (old)
        drop_set(old);
    return STG_OK;
}

/* Keys that are still good are worth more than the news that the source is
 * in trouble: that is logged, and tried again later. */
static stg_error_t *settle_synced(stg_s3_credentials_t *credentials,
                                  apr_interval_time_t min_life, apr_pool_t *p)
{
    stg_error_t *err;

    while (is_due_synced(credentials, min_life, stg_clock_now())) {
        if (credentials->synced.is_refreshing) {
            if (is_usable_synced(credentials, stg_clock_now()))
                return STG_OK;
            pthread_cond_wait(&credentials->refreshed, &credentials->mutex);
            continue;
        }
        err = refresh_synced(credentials, p);
        if (err && !is_usable_synced(credentials, stg_clock_now()))
            return err;
        if (err)
            stg_log(STG_LOG_WARNING, "S3 keys were not refreshed: %s",
                    stg_error_text(err, p));
        return STG_OK;
    }
    return STG_OK;
}

stg_error_t *stg_s3_credentials_get(const stg_s3_keys_t **keys,
                                    stg_s3_credentials_t *credentials,
                                    apr_interval_time_t min_life, apr_pool_t *p)
{
    stg_error_t *err;
    set_t *set = NULL;

    pthread_mutex_lock(&credentials->mutex);
    err = settle_synced(credentials, min_life, p);
    if (!err) {
        set = credentials->synced.set;
        __atomic_add_fetch(&set->users, 1, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&credentials->mutex);
    STG_TRY(err);
    apr_pool_cleanup_register(p, set, release_set, apr_pool_cleanup_null);
    *keys = &set->keys;
    return STG_OK;
}

void stg_s3_credentials_renew(stg_s3_credentials_t *credentials)
{
    pthread_mutex_lock(&credentials->mutex);
    credentials->synced.is_refused = 1;
    pthread_mutex_unlock(&credentials->mutex);
}
