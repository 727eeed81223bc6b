/* SPDX-License-Identifier: Apache-2.0 */
#include "stagingctl.h"

#include "accounts/account.h"
#include "accounts/api_key.h"
#include "base/clock.h"
#include "base/text.h"
#include "db/schema.h"

#include <apr_strings.h>

#include <stdio.h>

stg_error_t *stg_ctl_migrate(stg_ctl_t *ctl, apr_pool_t *p)
{
    const char *sql = STG_SQL_DIR;
    int applied;

    STG_TRY(stg_ctl_take_option(&sql, ctl, "--sql", p));
    STG_TRY(stg_ctl_operands(ctl, 0, 0, p));
    STG_TRY(stg_schema_migrate(&applied, ctl->staging.db,
                               apr_pstrcat(p, sql, "/migrations", NULL), p));
    STG_TRY(stg_schema_check(ctl->staging.db, p));
    printf("schema version %d, %d migrations applied\n", STG_SCHEMA_VERSION,
           applied);
    return STG_OK;
}

stg_error_t *stg_ctl_account_add(stg_ctl_t *ctl, apr_pool_t *p)
{
    const char *id;

    STG_TRY(stg_ctl_operands(ctl, 1, 1, p));
    STG_TRY(stg_account_add(&id, ctl->staging.db, stg_ctl_operand(ctl, 0), p));
    printf("%s\n", id);
    return STG_OK;
}

stg_error_t *stg_ctl_account_list(stg_ctl_t *ctl, apr_pool_t *p)
{
    apr_array_header_t *list;

    STG_TRY(stg_ctl_operands(ctl, 0, 0, p));
    STG_TRY(stg_account_list(&list, ctl->staging.db, p));
    printf("%-36s  %-20s  %-8s  %4s  %s\n", "ID", "CREATED", "STATUS", "KEYS",
           "NAME");
    for (int i = 0; i < list->nelts; i++) {
        const stg_account_t *a = &APR_ARRAY_IDX(list, i, stg_account_t);

        printf("%-36s  %-20s  %-8s  %4d  %s\n", a->id,
               stg_clock_rfc3339(a->created, p),
               a->is_disabled ? "disabled" : "active", a->keys, a->name);
    }
    return STG_OK;
}

stg_error_t *stg_ctl_account_disable(stg_ctl_t *ctl, apr_pool_t *p)
{
    STG_TRY(stg_ctl_operands(ctl, 1, 1, p));
    return stg_account_disable(ctl->staging.db, stg_ctl_operand(ctl, 0), p);
}

stg_error_t *stg_ctl_account_enable(stg_ctl_t *ctl, apr_pool_t *p)
{
    STG_TRY(stg_ctl_operands(ctl, 1, 1, p));
    return stg_account_enable(ctl->staging.db, stg_ctl_operand(ctl, 0), p);
}

static stg_error_t *take_lifetime(apr_off_t *seconds, stg_ctl_t *ctl,
                                  apr_pool_t *p)
{
    enum { MOST_DAYS = 36500, DAY = 86400 };
    const char *text = NULL;

    *seconds = 0;
    STG_TRY(stg_ctl_take_option(&text, ctl, "--expires", p));
    if (!text || (stg_parse_duration(text, seconds) && *seconds > 0 &&
                  *seconds <= (apr_off_t)MOST_DAYS * DAY))
        return STG_OK;
    return stg_raise(p, STG_E_INVALID,
                     "--expires wants a time from now, such as 12h or 90d");
}

stg_error_t *stg_ctl_key_add(stg_ctl_t *ctl, apr_pool_t *p)
{
    stg_api_key_spec_t spec = {.label = ""};
    const char *scopes = "read,write";
    const char *key;

    STG_TRY(stg_ctl_take_option(&spec.label, ctl, "--label", p));
    STG_TRY(stg_ctl_take_option(&scopes, ctl, "--scope", p));
    STG_TRY(take_lifetime(&spec.lifetime, ctl, p));
    STG_TRY(stg_ctl_operands(ctl, 1, 1, p));
    spec.account = stg_ctl_operand(ctl, 0);
    STG_TRY(stg_api_key_scopes_parse(&spec.scopes, scopes, p));
    STG_TRY(stg_api_key_add(&key, ctl->staging.db, &spec, p));
    printf("%s\n", key);
    fputs("stagingctl: The key is shown this once: keep it.\n", stderr);
    return STG_OK;
}

stg_error_t *stg_ctl_key_list(stg_ctl_t *ctl, apr_pool_t *p)
{
    apr_array_header_t *list;

    STG_TRY(stg_ctl_operands(ctl, 0, 1, p));
    STG_TRY(
        stg_api_key_list(&list, ctl->staging.db, stg_ctl_operand(ctl, 0), p));
    printf("%-36s  %-12s  %-8s  %-10s  %-20s  %s\n", "ID", "HINT", "STATUS",
           "SCOPES", "EXPIRES", "ACCOUNT LABEL");
    for (int i = 0; i < list->nelts; i++) {
        const stg_api_key_t *k = &APR_ARRAY_IDX(list, i, stg_api_key_t);

        printf("%-36s  %-12s  %-8s  %-10s  %-20s  %s %s\n", k->id, k->hint,
               k->status, k->scopes,
               k->expires ? stg_clock_rfc3339(k->expires, p) : "never",
               k->account, k->label);
    }
    return STG_OK;
}

stg_error_t *stg_ctl_key_revoke(stg_ctl_t *ctl, apr_pool_t *p)
{
    STG_TRY(stg_ctl_operands(ctl, 1, 1, p));
    STG_TRY(stg_api_key_revoke(ctl->staging.db, stg_ctl_operand(ctl, 0), p));
    fprintf(stderr,
            "stagingctl: The key is refused within %d seconds everywhere.\n",
            STG_API_KEY_FRESH);
    return STG_OK;
}
