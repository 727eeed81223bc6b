/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STORE_S3_CREDENTIALS_H
#define STG_STORE_S3_CREDENTIALS_H

#include "net/http_client.h"

/*
 * Where the keys of an S3 store come from. Each request takes an immutable
 * set; a refresh replaces the set without touching those in use. Temporary
 * keys are refreshed some minutes before they expire, by one thread at a
 * time; while that fails the old ones serve until they expire.
 *
 * Sources: fixed (options), file:PATH (two lines, or ACCESS:SECRET),
 * shared:PATH[#PROFILE], env, container, instance (IMDSv2 only), and auto:
 * the first of env, shared, container and instance that the environment
 * tells of.
 */

typedef struct stg_s3_credentials_t stg_s3_credentials_t;

/* Lives as long as the pool it was lent to. */
typedef struct stg_s3_keys_t {
    const char *access_key;
    const char *secret_key;
    const char *token;  /* or NULL */
    apr_time_t expires; /* 0 = never */
} stg_s3_keys_t;

/* Read a variable of the environment; a parameter so that tests have their
 * own. NULL stands for getenv(). */
typedef const char *stg_s3_getenv_t(const char *name);

/* Fixed keys. */
stg_s3_credentials_t *stg_s3_credentials_fixed(const char *access_key,
                                               const char *secret_key,
                                               apr_pool_t *p);

/* By source, see above. Fails with INVALID if it is none of them. Reads
 * nothing yet. client asks the metadata services; it must outlive p. */
stg_error_t *stg_s3_credentials_open(stg_s3_credentials_t **credentials,
                                     const char *source,
                                     stg_http_client_t *client,
                                     stg_s3_getenv_t *env, apr_pool_t *p);

/* Keys that live at least min_life longer, where the source can have such.
 * Fails with STORE_DOWN (a service does not answer) or STORE_FAILED. */
stg_error_t *stg_s3_credentials_get(const stg_s3_keys_t **keys,
                                    stg_s3_credentials_t *credentials,
                                    apr_interval_time_t min_life,
                                    apr_pool_t *p);

/* The store refused these keys: read the source again for the next call. */
void stg_s3_credentials_renew(stg_s3_credentials_t *credentials);

#endif
