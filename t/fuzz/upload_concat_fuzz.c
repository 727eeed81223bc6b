/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "stream/upload_concat.h"

#include <stdlib.h>
#include <string.h>

/* A final one has paths, and nothing but paths. */
void stg_fuzz_upload_concat(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    stg_upload_concat_t concat;

    (void)count;
    if (stg_upload_concat_parse(&concat, bytes, p))
        return;
    if (concat.is_final != (concat.paths->nelts > 0))
        abort();
    for (int i = 0; i < concat.paths->nelts; i++) {
        if (strpbrk(APR_ARRAY_IDX(concat.paths, i, const char *), " ?#\r\n"))
            abort();
    }
}
