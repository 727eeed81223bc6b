/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "auth/claims.h"
#include "base/clock.h"
#include "base/json.h"

#include <stdlib.h>

/* Claims whose signature was good. */
void stg_fuzz_claims(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    static const char *const words[] = {"edi", "profile=edi", "key=x"};
    stg_principal_t *principal;
    stg_issuer_t *issuer;
    json_t *claims;

    stg_clock_freeze(apr_time_from_sec(1790000000));
    if (stg_issuer_parse(&issuer, words, 3, p))
        abort();
    if (!stg_json_parse(&claims, bytes, count, 65536, p))
        stg_claims_check(&principal, issuer, claims, p);
    stg_clock_freeze(0);
}
