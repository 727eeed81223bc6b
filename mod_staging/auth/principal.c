/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/principal.h"

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
