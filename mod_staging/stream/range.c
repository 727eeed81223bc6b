/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/range.h"

#include "base/text.h"

#include <apr_strings.h>

#include <string.h>

/* "-n": the last n bytes. */
static stg_range_t suffix(apr_off_t *first, apr_off_t *count, const char *text,
                          apr_off_t size)
{
    apr_off_t last;

    if (!stg_parse_off(text, &last))
        return STG_RANGE_NONE;
    if (!last || !size)
        return STG_RANGE_BEYOND;
    *count = last < size ? last : size;
    *first = size - *count;
    return STG_RANGE_PART;
}

const char *stg_range_if(const char *value, const char *condition,
                         const char *etag)
{
    return condition && strcmp(condition, etag) ? NULL : value;
}

stg_range_t stg_range_parse(apr_off_t *first, apr_off_t *count,
                            const char *value, apr_off_t size, apr_pool_t *p)
{
    static const char unit[] = "bytes=";
    const char *dash;
    apr_off_t begin, end;

    if (!value || strncasecmp(value, unit, sizeof(unit) - 1))
        return STG_RANGE_NONE;
    value += sizeof(unit) - 1;
    dash = strchr(value, '-');
    if (!dash)
        return STG_RANGE_NONE;
    if (dash == value)
        return suffix(first, count, value + 1, size);
    end = size - 1;
    if (!stg_parse_off(apr_pstrndup(p, value, (apr_size_t)(dash - value)),
                       &begin) ||
        (dash[1] && !stg_parse_off(dash + 1, &end)) || (dash[1] && end < begin))
        return STG_RANGE_NONE;
    if (begin >= size)
        return STG_RANGE_BEYOND;
    *first = begin;
    *count = (end < size ? end : size - 1) - begin + 1;
    return STG_RANGE_PART;
}
