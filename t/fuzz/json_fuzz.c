/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

/* What was read can be written and read again. */
void stg_fuzz_json(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    json_t *value, *again;
    const char *text;

    if (stg_json_parse(&value, bytes, count, 65536, p))
        return;
    text = stg_json_dump(value, p);
    if (stg_json_parse(&again, text, strlen(text), 1 << 20, p) ||
        !json_equal(value, again))
        abort();
}
