/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/jwks.h"
#include "auth/key_set.h"
#include "base/clock.h"
#include "base/log.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include <string.h>

enum { PAUSE_SECONDS = 60, MAX_AGE_SECONDS = 3600 };
enum { CONNECT_SECONDS = 5, TOTAL_SECONDS = 10 };

struct stg_jwks_t {
    const char *issuer;   /* its name, for messages */
    const char *location; /* NULL: PEM files, never read again */
    const char *ca_file;
    stg_http_client_t *http;
    apr_thread_mutex_t *lock;
    apr_thread_cond_t *loaded;
    struct {
        stg_key_set_t *keys; /* NULL until the first success */
        apr_time_t tried_at;
        apr_time_t read_at;
        int is_loading;
        int has_failed; /* the last try */
    } synced;
};

static stg_error_t *read_file(stg_key_set_t **keys, const char *path,
                              apr_pool_t *p)
{
    char *bytes = apr_palloc(p, STG_KEY_SET_MAX_BYTES + 1);
    apr_size_t count = 0;
    apr_file_t *file;
    apr_status_t status;

    status = apr_file_open(&file, path, APR_FOPEN_READ, 0, p);
    if (status == APR_SUCCESS)
        status =
            apr_file_read_full(file, bytes, STG_KEY_SET_MAX_BYTES + 1, &count);
    if (status != APR_SUCCESS && !APR_STATUS_IS_EOF(status))
        return stg_because_apr(
            stg_raise(p, STG_E_INVALID, "%s cannot be read", path), p, status,
            "jwks");
    return stg_key_set_parse(keys, bytes, count, p);
}

static stg_error_t *fetch(stg_key_set_t **keys, const stg_jwks_t *jwks,
                          apr_pool_t *p)
{
    apr_table_t *headers = apr_table_make(p, 1);
    stg_http_request_t request = {
        .method = "GET",
        .url = jwks->location,
        .headers = headers,
        .connect_timeout = apr_time_from_sec(CONNECT_SECONDS),
        .timeout = apr_time_from_sec(TOTAL_SECONDS),
        .ca_file = jwks->ca_file,
    };
    stg_http_response_t *response;

    apr_table_setn(headers, "Accept",
                   "application/jwk-set+json, "
                   "application/json");
    STG_TRY(stg_http_call(&response, jwks->http, &request, NULL,
                          STG_KEY_SET_MAX_BYTES, p));
    if (response->status != 200)
        return stg_raise(p, STG_E_IAM_DOWN, "the answer was status %d",
                         response->status);
    return stg_key_set_parse(keys, response->body, response->body_size, p);
}

static stg_error_t *load(stg_key_set_t **keys, const stg_jwks_t *jwks,
                         apr_pool_t *p)
{
    if (strstr(jwks->location, "://"))
        return fetch(keys, jwks, p);
    return read_file(keys, jwks->location, p);
}

static apr_status_t release_keys(void *baton)
{
    stg_jwks_t *jwks = baton;

    if (jwks->synced.keys)
        stg_key_set_release(jwks->synced.keys);
    return APR_SUCCESS;
}

stg_error_t *stg_jwks_create(stg_jwks_t **jwks, const stg_issuer_t *issuer,
                             stg_http_client_t *http, apr_pool_t *p)
{
    stg_jwks_t *made = apr_pcalloc(p, sizeof(*made));

    made->issuer = issuer->name;
    made->location = issuer->jwks;
    made->ca_file = issuer->ca_file;
    made->http = http;
    if (apr_thread_mutex_create(&made->lock, APR_THREAD_MUTEX_DEFAULT, p) ||
        apr_thread_cond_create(&made->loaded, p))
        return stg_raise(p, STG_E_INTERNAL, "no lock can be made");
    apr_pool_cleanup_register(p, made, release_keys, apr_pool_cleanup_null);
    if (issuer->key_files)
        STG_TRY(stg_key_set_read_pem(&made->synced.keys, issuer->key_files, p));
    else if (!strstr(issuer->jwks, "://"))
        STG_TRY(read_file(&made->synced.keys, issuer->jwks, p));
    made->synced.read_at = stg_clock_now();
    *jwks = made;
    return STG_OK;
}

/* What fits among the keys there are; keeps the set alive as long as p. */
static apr_array_header_t *find_synced(stg_jwks_t *jwks, stg_jwa_t algorithm,
                                       const char *kid, apr_pool_t *p)
{
    stg_key_set_t *keys = jwks->synced.keys;
    apr_array_header_t *found;

    if (!keys)
        return apr_array_make(p, 1, sizeof(cjose_jwk_t *));
    found = stg_key_set_find(keys, algorithm, kid, p);
    if (found->nelts)
        stg_key_set_own(stg_key_set_share(keys), p);
    return found;
}

/* A clock that was set back must not stop us for long. */
static int has_passed(apr_time_t since, int seconds)
{
    apr_time_t passed = stg_clock_now() - since;

    return passed < 0 || passed >= apr_time_from_sec(seconds);
}

static int is_load_due_synced(const stg_jwks_t *jwks, int is_found)
{
    if (!jwks->location || jwks->synced.is_loading ||
        !has_passed(jwks->synced.tried_at, PAUSE_SECONDS))
        return 0;
    return !is_found || has_passed(jwks->synced.read_at, MAX_AGE_SECONDS);
}

/* Read the set without the lock; the caller holds it before and after. */
static void reload_synced(stg_jwks_t *jwks, apr_pool_t *p)
{
    stg_key_set_t *keys = NULL;
    stg_error_t *err;

    jwks->synced.is_loading = 1;
    jwks->synced.tried_at = stg_clock_now();
    apr_thread_mutex_unlock(jwks->lock);
    err = load(&keys, jwks, p);
    /* The request may well succeed with the old keys, so it is said here. */
    if (err)
        stg_log(STG_LOG_WARNING, "the keys of issuer %s cannot be read: %s",
                jwks->issuer, stg_error_text(err, p));
    apr_thread_mutex_lock(jwks->lock);
    jwks->synced.is_loading = 0;
    jwks->synced.has_failed = err != STG_OK;
    if (keys) {
        if (jwks->synced.keys)
            stg_key_set_release(jwks->synced.keys);
        jwks->synced.keys = keys;
        jwks->synced.read_at = stg_clock_now();
    }
    apr_thread_cond_broadcast(jwks->loaded);
}

stg_error_t *stg_jwks_find(apr_array_header_t **keys, stg_jwks_t *jwks,
                           stg_jwa_t algorithm, const char *kid, apr_pool_t *p)
{
    apr_array_header_t *found;
    stg_error_t *err;
    int has_failed;

    apr_thread_mutex_lock(jwks->lock);
    found = find_synced(jwks, algorithm, kid, p);
    if (is_load_due_synced(jwks, found->nelts > 0)) {
        reload_synced(jwks, p);
        found = find_synced(jwks, algorithm, kid, p);
    }
    while (!found->nelts && jwks->synced.is_loading) {
        apr_thread_cond_wait(jwks->loaded, jwks->lock);
        found = find_synced(jwks, algorithm, kid, p);
    }
    has_failed = jwks->synced.has_failed;
    apr_thread_mutex_unlock(jwks->lock);
    if (found->nelts) {
        *keys = found;
        return STG_OK;
    }
    if (!has_failed)
        return stg_raise(p, STG_E_BAD_CREDENTIAL,
                         "the token is signed with a key that its issuer does "
                         "not publish");
    err = stg_raise(p, STG_E_IAM_DOWN,
                    "the keys of the token's issuer cannot be read at present");
    err->retry_after = PAUSE_SECONDS;
    return err;
}
