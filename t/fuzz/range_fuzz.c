/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "stream/range.h"

#include <stdlib.h>

/* Whatever is asked for, what is sent lies within the object. */
void stg_fuzz_range(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    const apr_off_t size = (apr_off_t)(count * count);
    apr_off_t first = -1, length = -1;

    if (stg_range_parse(&first, &length, bytes, size, p) == STG_RANGE_PART &&
        (first < 0 || length < 1 || first > size - length))
        abort();
}
