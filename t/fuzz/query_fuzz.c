/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "base/query.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* Everything that comes out is UTF-8 and survives its encoding. */
static void check(const char *text, apr_pool_t *p)
{
    const char *encoded = stg_percent_encode(text, NULL, p);

    if (!stg_utf8_is_valid(text, strlen(text), NULL) ||
        strcmp(stg_percent_decode(encoded, p), text) != 0)
        abort();
}

void stg_fuzz_query(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    apr_array_header_t *list;
    const char *value;

    (void)count;
    if (stg_query_parse(&list, bytes, p))
        return;
    for (int i = 0; i < list->nelts; i++) {
        const stg_parameter_t *parameter =
            &APR_ARRAY_IDX(list, i, stg_parameter_t);

        check(parameter->name, p);
        check(parameter->value, p);
        if (!stg_query_single(&value, list, parameter->name, p) && !value)
            abort();
    }
}
