/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "auth/key_set.h"

#include <stdlib.h>

/* A key that was taken is found for the algorithm that it is for. */
void stg_fuzz_jwks(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    stg_key_set_t *set;

    if (stg_key_set_parse(&set, bytes, count, p))
        return;
    if (stg_key_set_size(set) > STG_KEY_SET_MAX_KEYS)
        abort();
    stg_key_set_own(set, p);
    for (int algorithm = 0; algorithm < STG_JWAS; algorithm++)
        stg_key_set_find(set, algorithm, "a", p);
}
