/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "stream/digest_field.h"

#include <stdlib.h>

/* What was read is read again from what we write. */
void stg_fuzz_digest_field(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    stg_digests_t digests, again;
    const char *field;

    (void)count;
    stg_digest_field_wanted(bytes, STG_ALGORITHMS_ALL, p);
    if (stg_digest_field_parse(&digests, bytes, p))
        return;
    stg_digest_field_md5(&digests, bytes, p);
    field = stg_digest_field(&digests, p);
    if (field && (stg_digest_field_parse(&again, field, p) ||
                  stg_digests_compare(&digests, &again) != STG_ALGORITHMS))
        abort();
}
