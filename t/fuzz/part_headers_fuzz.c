/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "base/text.h"
#include "stream/part_headers.h"

#include <stdlib.h>
#include <string.h>

static int is_text(const char *text)
{
    return !text || stg_utf8_is_valid(text, strlen(text), NULL);
}

/* What comes out is text, and a type that may stand in a header. Whoever calls
 * has found the end of the last line. */
void stg_fuzz_part_headers(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    stg_part_t part = {.name = NULL};

    if (count < 2 || memcmp(bytes + count - 2, "\r\n", 2) != 0)
        return;
    if (stg_part_headers_parse(&part, bytes, count, p))
        return;
    if (!part.name || !is_text(part.name) || !is_text(part.filename))
        abort();
    for (const char *c = part.content_type; c && *c; c++)
        if (*c < ' ' || *c > '~')
            abort();
}
