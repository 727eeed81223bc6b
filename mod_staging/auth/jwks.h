/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_AUTH_JWKS_H
#define STG_AUTH_JWKS_H

#include "auth/issuer.h"
#include "net/http_client.h"

/*
 * The public keys of one issuer: from PEM files, read once, or from a JWK
 * set (RFC 7517), a file or a URL. The set is read when it is first needed,
 * when a token names a key that is not there, and when what we have is an
 * hour old, but never twice within a minute. One thread reads; others go on
 * with the keys there are, and wait only if theirs is not among them. If
 * reading fails the old keys stay.
 *
 * May be used by any number of threads.
 */
typedef struct stg_jwks_t stg_jwks_t;

/* Lives as long as p. INVALID, with a sentence for the administrator, if a
 * file cannot be used; a URL is not asked yet. */
stg_error_t *stg_jwks_create(stg_jwks_t **jwks, const stg_issuer_t *issuer,
                             stg_http_client_t *http, apr_pool_t *p);

/* All keys (cjose_jwk_t *) that a token with this algorithm and this kid
 * (NULL if it names none) may be signed with: at least one, valid as long as
 * p. Fails with BAD_CREDENTIAL if there is none, with IAM_DOWN if that may be
 * so because the set cannot be read. */
stg_error_t *stg_jwks_find(apr_array_header_t **keys, stg_jwks_t *jwks,
                           stg_jwa_t algorithm, const char *kid, apr_pool_t *p);

#endif
