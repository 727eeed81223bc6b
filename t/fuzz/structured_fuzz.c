/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "base/structured.h"

#include <stdlib.h>

/* No text is a number and a Boolean, and all numbers have 15 digits. */
void stg_fuzz_structured(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    apr_off_t size = -1;
    int is_true = -1;
    int is_size = stg_structured_size(&size, bytes);
    int is_boolean = stg_structured_boolean(&is_true, bytes);

    (void)count;
    (void)p;
    if ((is_size && is_boolean) || is_size != (size >= 0) ||
        is_boolean != (is_true >= 0) || size > 999999999999999)
        abort();
}
