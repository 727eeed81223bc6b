/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "auth/credentials.h"

#include <stdlib.h>
#include <string.h>

/* Nothing that counts is left in a query, and nothing of it is shown. */
static void check_query(const char *query, apr_pool_t *p)
{
    stg_credentials_t shown = {.key = NULL}, again = {.key = NULL};
    const char *masked, *nothing;
    const char *rest = stg_credentials_split(&shown, &masked, query, p);

    if (rest) {
        stg_credentials_split(&again, &nothing, rest, p);
        if (again.key || again.token || again.signature)
            abort();
    }
    stg_credentials_split(&again, &nothing, masked, p);
    if ((again.key && strcmp(again.key, "***") != 0) ||
        (again.token && strcmp(again.token, "***") != 0) ||
        (again.signature && strcmp(again.signature, "***") != 0) ||
        strcmp(masked, nothing) != 0)
        abort();
}

/* As a query and as an Authorization header. */
void stg_fuzz_credentials(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    stg_credentials_t shown = {.key = NULL};

    (void)count;
    check_query(bytes, p);
    if (!stg_credentials_bearer(&shown, bytes, p) && shown.bearer &&
        (*shown.bearer == ' ' || strchr(shown.bearer, ',')))
        abort();
}
