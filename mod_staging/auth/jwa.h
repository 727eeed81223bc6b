/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_AUTH_JWA_H
#define STG_AUTH_JWA_H

#include "base/error.h"

/*
 * Signature algorithms of tokens (RFC 7518, 3.1). Only asymmetric ones: what
 * is not in this list ("none", HS256) cannot be configured and is not
 * accepted. A key fits those of its own type and curve only.
 */
typedef enum stg_jwa_t {
    STG_ES256,
    STG_ES384,
    STG_ES512,
    STG_RS256,
    STG_RS384,
    STG_RS512,
    STG_PS256,
    STG_PS384,
    STG_PS512,
    STG_JWAS
} stg_jwa_t;

/* 1 << STG_ES256 and so on. */
typedef unsigned int stg_jwa_set_t;

/* By its name; STG_JWAS if there is none. */
stg_jwa_t stg_jwa_find(const char *name);

/* From "ES256,RS256". INVALID. */
stg_error_t *stg_jwa_parse_set(stg_jwa_set_t *set, const char *names,
                               apr_pool_t *p);

/* All that a key of this kind can be used for: a curve by its OpenSSL number,
 * or RSA of so many bits. Empty if we do not use such keys. */
stg_jwa_set_t stg_jwa_set_of_curve(int curve);
stg_jwa_set_t stg_jwa_set_of_rsa(int bits);

#endif
