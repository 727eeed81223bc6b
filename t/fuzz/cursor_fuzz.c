/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "uploads/upload.h"

#include <stdlib.h>
#include <string.h>

/* Where a list goes on: what was understood is written as it was read. */
void stg_fuzz_cursor(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    stg_upload_query_t query = {.owner = NULL}, again = {.owner = NULL};

    (void)count;
    if (stg_upload_query_start(&query, bytes, p))
        return;
    if (stg_upload_query_start(&again, stg_upload_cursor(&query, p), p) ||
        again.before != query.before ||
        strcmp(again.before_id, query.before_id) != 0)
        abort();
}
