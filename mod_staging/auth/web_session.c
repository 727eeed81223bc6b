/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/web_session.h"

#include "auth/seal.h"
#include "base/ids.h"
#include "base/text.h"

#include <apr_strings.h>

#include <string.h>

enum { COOKIE_BYTES = 32, COOKIE_CHARS = 43 };

stg_error_t *stg_web_session_add(const char **cookie, stg_db_t *db,
                                 const stg_web_session_spec_t *spec,
                                 apr_pool_t *p)
{
    const stg_principal_t *who = spec->principal;
    const char *made = stg_secret_create(COOKIE_BYTES, p);

    STG_TRY(stg_db_query(
        NULL, db, STG_Q_SESSION_ADD, p,
        STG_PARAMS(stg_sha256_hex(made, p), who->realm, who->subject, who->name,
                   stg_scopes_array(who->scopes, p), spec->how,
                   spec->key ? stg_sha256_hex(spec->key, p) : NULL,
                   who->token ? stg_seal(made, who->token, p) : NULL,
                   who->expires
                       ? apr_psprintf(p, "%" APR_TIME_T_FMT, who->expires)
                       : NULL,
                   apr_off_t_toa(p, spec->idle),
                   apr_off_t_toa(p, spec->lifetime), who->password_number)));
    *cookie = made;
    return STG_OK;
}

static stg_error_t *unknown(apr_pool_t *p)
{
    return stg_raise(p, STG_E_BAD_CREDENTIAL,
                     "the session has ended: sign in again");
}

static stg_principal_t *principal_of(const stg_rows_t *rows, apr_pool_t *p)
{
    stg_principal_t *principal = stg_principal_create(
        stg_rows_text(rows, 0, "realm"), stg_rows_text(rows, 0, "subject"), p);

    principal->name = stg_rows_text(rows, 0, "name");
    principal->scopes =
        (stg_rows_int(rows, 0, "may_read") ? STG_SCOPE_READ : 0) |
        (stg_rows_int(rows, 0, "may_write") ? STG_SCOPE_WRITE : 0);
    principal->is_operator = (int)stg_rows_int(rows, 0, "is_operator");
    principal->expires = stg_rows_time(rows, 0, "lifetime_end");
    return principal;
}

/* When it ends if nobody comes again: later, since somebody came. */
static apr_time_t idle_end(const stg_rows_t *found, stg_db_t *db,
                           const char *sha256, apr_pool_t *p)
{
    const stg_rows_t *rows = found;

    if (stg_rows_int(found, 0, "is_due")) {
        rows = stg_db_note(db, STG_Q_SESSION_SEEN, p, STG_PARAMS(sha256));
        if (!rows || !stg_rows_count(rows))
            rows = found;
    }
    return stg_rows_time(rows, 0, "idle_end");
}

stg_error_t *stg_web_session_find(stg_web_session_t **session, stg_db_t *db,
                                  const char *cookie, apr_pool_t *p)
{
    stg_web_session_t *found = apr_pcalloc(p, sizeof(*found));
    const char *sha256;
    const char *sealed;
    stg_rows_t *rows;

    if (strlen(cookie) != COOKIE_CHARS)
        return unknown(p);
    sha256 = stg_sha256_hex(cookie, p);
    STG_TRY(stg_db_query(&rows, db, STG_Q_SESSION_FIND, p, STG_PARAMS(sha256)));
    if (!stg_rows_count(rows))
        return unknown(p);
    found->principal = principal_of(rows, p);
    found->how = stg_rows_text(rows, 0, "how");
    found->created = stg_rows_time(rows, 0, "created");
    found->idle_end = idle_end(rows, db, sha256, p);
    found->end = stg_rows_time(rows, 0, "lifetime_end");
    sealed = stg_rows_text(rows, 0, "token");
    if (sealed) {
        found->principal->token = stg_unseal(cookie, sealed, p);
        if (!found->principal->token)
            return unknown(p);
    }
    *session = found;
    return STG_OK;
}

stg_error_t *stg_web_session_end(stg_db_t *db, const char *cookie,
                                 apr_pool_t *p)
{
    return stg_db_query(NULL, db, STG_Q_SESSION_END, p,
                        STG_PARAMS(stg_sha256_hex(cookie, p)));
}

stg_error_t *stg_web_session_end_all(stg_db_t *db,
                                     const stg_principal_t *principal,
                                     apr_pool_t *p)
{
    return stg_db_query(NULL, db, STG_Q_SESSION_END_ALL, p,
                        STG_PARAMS(principal->realm, principal->subject));
}
