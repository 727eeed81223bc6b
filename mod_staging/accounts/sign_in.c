/* SPDX-License-Identifier: Apache-2.0 */
#include "accounts/sign_in.h"

#include "accounts/account.h"
#include "base/ids.h"
#include "base/text.h"

#include <apr_strings.h>

#include <arpa/inet.h>
#include <string.h>

enum { CODE_BYTES = 32 };

/* Whoever has a network of IPv6 has 2^64 addresses of it. */
static const char *network_of(const char *address, apr_pool_t *p)
{
    enum { NETWORK_BYTES = 8 };
    char *text = apr_palloc(p, INET6_ADDRSTRLEN);
    struct in6_addr parsed;

    if (inet_pton(AF_INET6, address, &parsed) != 1 ||
        IN6_IS_ADDR_V4MAPPED(&parsed))
        return address;
    memset(parsed.s6_addr + NETWORK_BYTES, 0,
           sizeof(parsed.s6_addr) - NETWORK_BYTES);
    inet_ntop(AF_INET6, &parsed, text, INET6_ADDRSTRLEN);
    return text;
}

static stg_error_t *charge(stg_db_t *db, const char *account,
                           const char *address, apr_pool_t *p)
{
    stg_rows_t *rows;
    stg_error_t *err;

    STG_TRY(stg_db_query(&rows, db, STG_Q_LOGIN_CHARGE, p,
                         STG_PARAMS(account, address)));
    if (stg_rows_int(rows, 0, "is_charged"))
        return STG_OK;
    err = stg_raise(p, STG_E_THROTTLED,
                    "there were too many attempts: wait before the next one");
    err->retry_after = (int)stg_rows_int(rows, 0, "wait");
    return err;
}

static stg_error_t *refund(stg_db_t *db, const char *account,
                           const char *address, int is_right, apr_pool_t *p)
{
    return stg_db_query(NULL, db, STG_Q_LOGIN_REFUND, p,
                        STG_PARAMS(account, address, is_right ? "t" : "f"));
}

/* What was hashed with less than today is hashed again while the password is
 * known. */
static stg_error_t *renew(stg_db_t *db, stg_password_gate_t *gate,
                          const stg_rows_t *rows, const char *password,
                          apr_pool_t *p)
{
    const char *old = stg_rows_text(rows, 0, "password");
    const char *kept;

    if (stg_password_is_current(old))
        return STG_OK;
    STG_TRY(stg_password_hash(&kept, gate, password, p));
    return stg_db_query(NULL, db, STG_Q_PASSWORD_REHASH, p,
                        STG_PARAMS(stg_rows_text(rows, 0, "id"), old, kept));
}

static stg_principal_t *account_principal(const stg_rows_t *rows, apr_pool_t *p)
{
    stg_principal_t *principal = stg_principal_create(
        STG_REALM_ACCOUNT, stg_rows_text(rows, 0, "id"), p);

    principal->name = stg_rows_text(rows, 0, "name");
    principal->password_number = stg_rows_text(rows, 0, "password_number");
    principal->scopes = STG_SCOPE_READ | STG_SCOPE_WRITE;
    return principal;
}

/* Whose failures this one is counted among: those of the account and of the
 * address, or of a browser that the account knows. */
static stg_error_t *find_counters(const char **account, const char **address,
                                  stg_db_t *db, const stg_sign_in_t *asked,
                                  apr_pool_t *p)
{
    const char *browser = stg_sha256_hex(asked->browser, p);
    stg_rows_t *rows;

    STG_TRY(stg_db_query(&rows, db, STG_Q_KNOWN_BROWSER_FIND, p,
                         STG_PARAMS(browser, asked->name)));
    if (stg_rows_count(rows)) {
        *account = browser;
        *address = NULL;
    } else {
        *account = stg_sha256_hex(asked->name, p);
        *address = network_of(asked->address, p);
    }
    return STG_OK;
}

stg_error_t *stg_sign_in_password(stg_principal_t **principal, stg_db_t *db,
                                  stg_password_gate_t *gate,
                                  const stg_sign_in_t *asked, apr_pool_t *p)
{
    const char *account, *address;
    const char *kept = NULL;
    int is_right = 0;
    stg_rows_t *rows;
    stg_error_t *err;

    STG_TRY(find_counters(&account, &address, db, asked, p));
    STG_TRY(charge(db, account, address, p));
    STG_TRY(stg_db_query(&rows, db, STG_Q_PASSWORD_FIND, p,
                         STG_PARAMS(asked->name)));
    if (stg_rows_count(rows))
        kept = stg_rows_text(rows, 0, "password");
    err = stg_password_verify(&is_right, gate, kept, asked->password, p);
    if (err || is_right)
        STG_TRY(refund(db, account, address, is_right, p));
    if (err)
        return err;
    if (!is_right)
        return stg_raise(p, STG_E_BAD_CREDENTIAL,
                         "the name or the password is wrong");
    STG_TRY(renew(db, gate, rows, asked->password, p));
    STG_TRY(stg_db_query(NULL, db, STG_Q_KNOWN_BROWSER_ADD, p,
                         STG_PARAMS(stg_sha256_hex(asked->browser, p),
                                    stg_rows_text(rows, 0, "id"))));
    *principal = account_principal(rows, p);
    return STG_OK;
}

stg_error_t *stg_sign_in_set_password(stg_db_t *db, const char *name,
                                      const char *password, apr_pool_t *p)
{
    const char *kept;
    stg_rows_t *rows;

    STG_TRY(stg_password_check(password, p));
    STG_TRY(stg_password_hash(&kept, NULL, password, p));
    STG_TRY(
        stg_db_query(&rows, db, STG_Q_PASSWORD_SET, p, STG_PARAMS(name, kept)));
    if (!stg_rows_count(rows))
        return stg_raise(p, STG_E_NOT_FOUND, "There is no account %s", name);
    return STG_OK;
}

stg_error_t *stg_sign_in_link_add(const char **code, stg_db_t *db,
                                  const char *name, apr_off_t lifetime,
                                  apr_pool_t *p)
{
    const char *made = stg_secret_create(CODE_BYTES, p);
    stg_rows_t *rows;

    STG_TRY(stg_db_query(
        &rows, db, STG_Q_SIGN_IN_LINK_ADD, p,
        STG_PARAMS(name, stg_sha256_hex(made, p), apr_off_t_toa(p, lifetime))));
    if (!stg_rows_count(rows))
        return stg_raise(p, STG_E_NOT_FOUND,
                         "There is no account %s, or it is disabled", name);
    *code = made;
    return STG_OK;
}

stg_error_t *stg_sign_in_link_redeem(stg_principal_t **principal, stg_db_t *db,
                                     const char *code, apr_pool_t *p)
{
    stg_rows_t *rows;

    STG_TRY(stg_db_query(&rows, db, STG_Q_SIGN_IN_LINK_REDEEM, p,
                         STG_PARAMS(stg_sha256_hex(code, p))));
    if (!stg_rows_count(rows))
        return stg_raise(p, STG_E_BAD_CREDENTIAL,
                         "this link was used before, or has expired: get a "
                         "new one");
    *principal = account_principal(rows, p);
    return STG_OK;
}
