/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_AUTH_KEY_SET_H
#define STG_AUTH_KEY_SET_H

#include "auth/jwa.h"

#include <apr_tables.h>

#include <cjose/jwk.h>

/*
 * A set of public keys, unchangeable once it is shared. It lives on the heap
 * and is counted, since a set is replaced while other threads still use it.
 */

enum { STG_KEY_SET_MAX_BYTES = 256 * 1024, STG_KEY_SET_MAX_KEYS = 64 };

typedef struct stg_key_set_t stg_key_set_t;

/* Parsed from a JWK set (RFC 7517, 5). Keys of a kind or use that is not for
 * us are left out, as the RFC wants; an empty set is no error. The caller
 * has the one reference. INVALID, TOO_LARGE. */
stg_error_t *stg_key_set_parse(stg_key_set_t **set, const char *bytes,
                               apr_size_t count, apr_pool_t *p);

/* All public keys in these PEM files (of const char *). INVALID, with a
 * sentence for the administrator, if a file has none or one of no use. */
stg_error_t *stg_key_set_read_pem(stg_key_set_t **set,
                                  const apr_array_header_t *files,
                                  apr_pool_t *p);

/* The keys (cjose_jwk_t *) that fit an algorithm and a kid (may be NULL). A
 * key without kid fits any. Valid as long as the set. */
apr_array_header_t *stg_key_set_find(const stg_key_set_t *set,
                                     stg_jwa_t algorithm, const char *kid,
                                     apr_pool_t *p);

int stg_key_set_size(const stg_key_set_t *set);

/* Another reference, and one less. Neither needs a lock. */
stg_key_set_t *stg_key_set_share(stg_key_set_t *set);
void stg_key_set_release(stg_key_set_t *set);

/* Release one reference with p. */
void stg_key_set_own(stg_key_set_t *set, apr_pool_t *p);

#endif
