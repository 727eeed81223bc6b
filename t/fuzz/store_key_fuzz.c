/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "store/store.h"

#include <stdlib.h>
#include <string.h>

/* What a listing of a store names: of ours is only what we would name so. */
void stg_fuzz_store_key(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    const char *id = stg_store_key_id(bytes, p);

    (void)count;
    if (!id != !!stg_store_key_check(bytes, p) ||
        (id && strcmp(stg_store_key(id, p), bytes) != 0))
        abort();
}
