/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_AUTH_SEAL_H
#define STG_AUTH_SEAL_H

#include <apr_pools.h>

/* Text that only somebody with the secret can read and make (AES-256-GCM,
 * with a key that HMAC-SHA256 makes of the secret), as base64url. The secret
 * is one of stg_secret_create(), with all its bits. */
const char *stg_seal(const char *secret, const char *text, apr_pool_t *p);

/* NULL if it was not sealed with this secret. */
const char *stg_unseal(const char *secret, const char *sealed, apr_pool_t *p);

#endif
