/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "uploads/upload_page.h"

#include <stdlib.h>
#include <string.h>

/* Where a list goes on: what was understood is written as it was read. */
void stg_fuzz_cursor(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    static const char *const sorts[] = {NULL, "filename", "-size", "expires"};

    (void)count;
    for (int i = 0; i < 4; i++) {
        stg_upload_query_t query, again;

        if (stg_upload_query_start(&query, sorts[i], bytes, p))
            continue;
        if (stg_upload_query_start(&again, sorts[i],
                                   stg_upload_cursor(&query, p), p) ||
            strcmp(again.key, query.key) != 0 ||
            strcmp(again.id, query.id) != 0)
            abort();
    }
}
