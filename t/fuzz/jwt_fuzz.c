/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "auth/jwt.h"
#include "mint.h"

#include <apr_strings.h>

#include <stdlib.h>

/* One issuer whose private key nobody keeps. It stays for the next input. */
static stg_issuers_t *issuers_create(void)
{
    apr_pool_t *p, *mint_pool;
    apr_array_header_t *list;
    stg_issuers_t *issuers;
    const char *words[3] = {"edi", "profile=edi", NULL};

    apr_pool_create(&p, NULL);
    apr_pool_create(&mint_pool, p);
    list = apr_array_make(p, 1, sizeof(stg_issuer_t *));
    words[2] = apr_pstrcat(
        mint_pool, "key=", stg_mint_ec("prime256v1", mint_pool)->pem_file,
        NULL);
    if (stg_issuer_parse(apr_array_push(list), words, 3, p) ||
        stg_issuers_create(&issuers, list, NULL, p))
        abort();
    apr_pool_destroy(mint_pool);
    return issuers;
}

/* Nobody gets in. */
void stg_fuzz_jwt(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    static stg_issuers_t *issuers;
    stg_principal_t *principal;

    if (!issuers)
        issuers = issuers_create();
    if (!stg_jwt_verify(&principal, issuers, bytes, count, p))
        abort();
}
