/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "stream/digest_state.h"

#include <stdlib.h>
#include <string.h>

/* The first byte is the set of algorithms; what is taken for a state is the
 * text that we write, and can be gone on from. */
void stg_fuzz_digest_state(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    stg_hasher_t *hashers[STG_ALGORITHMS] = {NULL};
    const char *hex;
    apr_off_t size;

    if (!count)
        return;
    for (int i = 0; i < STG_ALGORITHMS; i++) {
        if (*bytes & 1 << i)
            hashers[i] = stg_hasher_create_resumable(i, p);
    }
    if (stg_digest_state_parse(&size, hashers, bytes + 1, p))
        return;
    if (strcmp(stg_digest_state_text(size, hashers, p), bytes + 1) != 0)
        abort();
    for (int i = 0; i < STG_ALGORITHMS; i++) {
        if (!hashers[i])
            continue;
        stg_hasher_update(hashers[i], bytes, count);
        if (stg_hasher_finish(&hex, hashers[i], p))
            abort();
    }
}
