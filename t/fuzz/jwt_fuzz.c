/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "auth/jwt.h"
#include "mint.h"

#include <apr_strings.h>

#include <stdlib.h>

/* Its private key was thrown away. */
#define PUBLIC_KEY                                                             \
    "-----BEGIN PUBLIC KEY-----\n"                                             \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEigGagjelYhQ0RjOs/F5BQD/LTW/w\n"       \
    "uA17GKu0nukzLx2mRWM3Oy3xXiONYlwxV0lPhwG0fZ6sRIfVwKuQKfZKYQ==\n"           \
    "-----END PUBLIC KEY-----\n"

/* Nobody gets in. */
void stg_fuzz_jwt(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    const char *words[3] = {"edi", "profile=edi", NULL};
    apr_array_header_t *list = apr_array_make(p, 1, sizeof(stg_issuer_t *));
    stg_principal_t *principal;
    stg_issuers_t *issuers;

    words[2] = apr_pstrcat(p, "key=", stg_mint_file(PUBLIC_KEY, p), NULL);
    if (stg_issuer_parse(apr_array_push(list), words, 3, p) ||
        stg_issuers_create(&issuers, list, NULL, p) ||
        !stg_jwt_verify(&principal, issuers, bytes, count, p))
        abort();
}
