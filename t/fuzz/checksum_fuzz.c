/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "stream/checksum.h"

#include <stdlib.h>

/* There is exactly one checksum, and it agrees with itself alone. */
void stg_fuzz_checksum(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    const stg_checksums_t none = {.crc32c = NULL};
    stg_checksums_t found;
    int given;

    (void)count;
    if (stg_checksum_parse(&found, bytes, p))
        return;
    given = found.crc32c != NULL;
    for (int i = 0; i < STG_ALGORITHMS; i++)
        given += found.digests.hex[i] != NULL;
    if (given != 1 || stg_checksums_compare(&found, &found, p) ||
        !stg_checksums_compare(&found, &none, p))
        abort();
}
