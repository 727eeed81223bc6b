/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "stream/range.h"

#include <apr_strings.h>

#include <stdlib.h>
#include <string.h>

/* Whatever is asked for, what is sent lies within the object; and where an
 * If-Range, the text behind the first newline, names another one, nothing is
 * asked for. */
void stg_fuzz_range(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    const apr_off_t size = (apr_off_t)(count * count);
    apr_off_t first = -1, length = -1;
    char *value = apr_pstrmemdup(p, bytes, count);
    char *condition = strchr(value, '\n');
    const char *wanted;

    if (condition)
        *condition++ = '\0';
    wanted = stg_range_if(value, condition, "\"tag\"");
    if (wanted && condition && strcmp(condition, "\"tag\"") != 0)
        abort();
    if (stg_range_parse(&first, &length, wanted, size, p) == STG_RANGE_PART &&
        (first < 0 || length < 1 || first > size - length))
        abort();
}
