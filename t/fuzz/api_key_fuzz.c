/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "accounts/api_key.h"

#include <stdlib.h>

/* Its checksum is no secret, but nobody hits it by chance. */
void stg_fuzz_api_key(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    unsigned int scopes;

    (void)count;
    if (stg_api_key_is_well_formed(bytes, p) && !stg_api_key_is_ours(bytes))
        abort();
    if (!stg_api_key_scopes_parse(&scopes, bytes, p) &&
        (!scopes || scopes & ~(unsigned int)(STG_SCOPE_READ | STG_SCOPE_WRITE)))
        abort();
}
