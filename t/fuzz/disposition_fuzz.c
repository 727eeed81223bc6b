/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "stream/disposition.h"

#include <stdlib.h>
#include <string.h>

/* A file name that was accepted goes out in a form that gives it back, in
 * one line of ASCII. */
void stg_fuzz_disposition(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    stg_disposition_t found, again;
    const char *field;

    (void)count;
    if (stg_disposition_parse(&found, bytes, p) || !found.filename)
        return;
    field = stg_disposition(found.filename, p);
    for (const char *c = field; *c; c++) {
        if (*c < ' ' || *c > '~')
            abort();
    }
    if (stg_disposition_parse(&again, field, p) ||
        strcmp(again.filename, found.filename) != 0)
        abort();
}
