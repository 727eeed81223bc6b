/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "base/text.h"
#include "stream/file_name.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

static void check_name(const char *name)
{
    apr_size_t length = strlen(name);

    if (!length || length > STG_FILE_NAME_MOST || strpbrk(name, "/\\\r\n") ||
        *name == '.' || name[length - 1] == '.' ||
        !stg_utf8_is_valid(name, length, NULL))
        abort();
}

/* What comes out is fit to be a name, and comes out of itself again. */
void stg_fuzz_file_name(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    const char *name, *path;
    const char *at, *end;

    if (!stg_utf8_is_valid(bytes, count, NULL))
        return;
    name = stg_file_name(bytes, p);
    if (name) {
        check_name(name);
        if (strcmp(stg_file_name(name, p), name) != 0)
            abort();
    }
    path = stg_file_path(bytes, p);
    for (at = path; at; at = *end ? end + 1 : NULL) {
        end = at + strcspn(at, "/");
        check_name(apr_pstrmemdup(p, at, (apr_size_t)(end - at)));
    }
    if (path && strcmp(stg_file_path(path, p), path) != 0)
        abort();
}
