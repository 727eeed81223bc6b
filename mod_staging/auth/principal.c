/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/principal.h"

#include "db/db.h"

#include <apr_strings.h>

/* A realm has no colon, so that two principals never share an owner. */
stg_principal_t *stg_principal_create(const char *realm, const char *subject,
                                      apr_pool_t *p)
{
    stg_principal_t *principal = apr_pcalloc(p, sizeof(*principal));

    principal->realm = apr_pstrdup(p, realm);
    principal->subject = apr_pstrdup(p, subject);
    principal->owner = apr_pstrcat(p, realm, ":", subject, NULL);
    principal->name = principal->subject;
    return principal;
}

const char *stg_scopes_array(unsigned int scopes, apr_pool_t *p)
{
    const char *items[2];
    int count = 0;

    if (scopes & STG_SCOPE_READ)
        items[count++] = "read";
    if (scopes & STG_SCOPE_WRITE)
        items[count++] = "write";
    return stg_db_array(items, count, p);
}
