/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_T_UNIT_MINT_H
#define STG_T_UNIT_MINT_H

#include <apr_pools.h>

#include <cjose/jwk.h>

/* Makes keys and tokens for tests, good ones and bad ones. */
typedef struct stg_mint_t {
    cjose_jwk_t *key;     /* private */
    const char *pem_file; /* its public key; removed with the pool */
    const char *pem;      /* the text in that file */
} stg_mint_t;

/* 2026-09-21 by and large: when the tests take place. */
#define MINT_NOW 1790000000

stg_mint_t *stg_mint_ec(const char *curve, apr_pool_t *p);
stg_mint_t *stg_mint_rsa(unsigned int bits, apr_pool_t *p);

/* A token with this header and these claims (JSON), signed by the mint. The
 * algorithm is the header's. */
const char *stg_mint_token(const stg_mint_t *mint, const char *header,
                           const char *claims, apr_pool_t *p);

/* The same signed with HMAC-SHA256 and this secret; "" for no signature. */
const char *stg_mint_hmac_token(const char *secret, const char *header,
                                const char *claims, apr_pool_t *p);

/* The claims of an EDI token, with these put in their place (JSON), and
 * without the one called missing (may be NULL). */
const char *stg_mint_claims(const char *changes, const char *missing,
                            apr_pool_t *p);

/* The public key as a JWK with this kid and more members (", ..."). */
const char *stg_mint_jwk(const stg_mint_t *mint, const char *kid,
                         const char *more, apr_pool_t *p);

/* A file with this text, removed with the pool. */
const char *stg_mint_file(const char *text, apr_pool_t *p);

#endif
