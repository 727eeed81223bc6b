/* SPDX-License-Identifier: Apache-2.0 */
#include "accounts/api_key.h"

#include "base/ids.h"
#include "base/text.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include <string.h>

#define PREFIX "stg_"

enum {
    SECRET_BYTES = 32,
    SECRET_CHARS = 43,
    CHECK_CHARS = 6,
    CHECKED_CHARS = sizeof(PREFIX) - 1 + SECRET_CHARS,
    KEY_CHARS = CHECKED_CHARS + CHECK_CHARS,
    HINT_CHARS = sizeof(PREFIX) - 1 + 8,
    MAX_LABEL = 200
};

int stg_api_key_is_ours(const char *text)
{
    return !strncmp(text, PREFIX, sizeof(PREFIX) - 1);
}

static const char *checksum(const char *text, apr_pool_t *p)
{
    return apr_pstrndup(p, stg_digest_hex_of("sha256", text, CHECKED_CHARS, p),
                        CHECK_CHARS);
}

int stg_api_key_is_well_formed(const char *text, apr_pool_t *p)
{
    return strlen(text) == KEY_CHARS && stg_api_key_is_ours(text) &&
           !strcmp(text + CHECKED_CHARS, checksum(text, p));
}

stg_error_t *stg_api_key_scopes_parse(unsigned int *scopes, const char *text,
                                      apr_pool_t *p)
{
    char *rest = apr_pstrdup(p, text);
    unsigned int found = 0;
    char *name;

    while ((name = apr_strtok(found ? NULL : rest, ",", &rest))) {
        if (!strcmp(name, "read"))
            found |= STG_SCOPE_READ;
        else if (!strcmp(name, "write"))
            found |= STG_SCOPE_WRITE;
        else
            return stg_raise(p, STG_E_INVALID,
                             "There is no scope \"%s\": use read, write or "
                             "read,write",
                             name);
    }
    if (!found)
        return stg_raise(p, STG_E_INVALID,
                         "A key needs a scope: read, write or read,write");
    *scopes = found;
    return STG_OK;
}

/* Labels are printed to terminals, which would obey control characters. */
static stg_error_t *check_label(const char *label, apr_pool_t *p)
{
    apr_size_t characters;
    int is_plain = stg_utf8_is_valid(label, strlen(label), &characters) &&
                   characters <= MAX_LABEL;

    for (const char *c = label; is_plain && *c; c++)
        is_plain = !apr_iscntrl(*c);
    if (is_plain)
        return STG_OK;
    return stg_raise(p, STG_E_INVALID,
                     "A label is UTF-8 without control characters and has at "
                     "most %d characters",
                     MAX_LABEL);
}

stg_error_t *stg_api_key_add(const char **id, const char **text, stg_db_t *db,
                             const stg_api_key_spec_t *spec, apr_pool_t *p)
{
    const char *body =
        apr_pstrcat(p, PREFIX, stg_secret_create(SECRET_BYTES, p), NULL);
    const char *key = apr_pstrcat(p, body, checksum(body, p), NULL);
    const char *lifetime =
        spec->lifetime ? apr_off_t_toa(p, spec->lifetime) : NULL;
    stg_rows_t *rows;

    STG_TRY(check_label(spec->label, p));
    STG_TRY(
        stg_db_query(&rows, db, STG_Q_KEY_ADD, p,
                     STG_PARAMS(spec->account, stg_sha256_hex(key, p),
                                apr_pstrndup(p, key, HINT_CHARS), spec->label,
                                stg_scopes_array(spec->scopes, p), lifetime)));
    if (!stg_rows_count(rows))
        return stg_raise(p, STG_E_NOT_FOUND, "There is no account %s",
                         spec->account);
    *id = stg_rows_text(rows, 0, "id");
    *text = key;
    return STG_OK;
}

stg_error_t *stg_api_key_list(apr_array_header_t **keys, stg_db_t *db,
                              const char *account, apr_pool_t *p)
{
    stg_rows_t *rows;
    apr_array_header_t *list;

    STG_TRY(stg_db_query(&rows, db, STG_Q_KEY_LIST, p, STG_PARAMS(account)));
    list = apr_array_make(p, stg_rows_count(rows), sizeof(stg_api_key_t));
    for (int i = 0; i < stg_rows_count(rows); i++)
        APR_ARRAY_PUSH(list, stg_api_key_t) = (stg_api_key_t){
            .id = stg_rows_text(rows, i, "id"),
            .account = stg_rows_text(rows, i, "account"),
            .hint = stg_rows_text(rows, i, "hint"),
            .label = stg_rows_text(rows, i, "label"),
            .scopes = stg_rows_text(rows, i, "scopes"),
            .created = stg_rows_time(rows, i, "created"),
            .expires = stg_rows_time(rows, i, "expires"),
            .revoked = stg_rows_time(rows, i, "revoked"),
            .last_used = stg_rows_time(rows, i, "last_used"),
            .status = stg_rows_text(rows, i, "status"),
        };
    *keys = list;
    return STG_OK;
}

stg_error_t *stg_api_key_revoke(stg_db_t *db, const char *key, apr_pool_t *p)
{
    /* The database, and what it logs, never sees more of a key. */
    const char *name = stg_api_key_is_ours(key) && strlen(key) > HINT_CHARS
                           ? stg_sha256_hex(key, p)
                           : key;
    stg_rows_t *rows;

    STG_TRY(stg_db_query(&rows, db, STG_Q_KEY_REVOKE, p, STG_PARAMS(name)));
    switch (stg_rows_int(rows, 0, "named")) {
    case 0:
        return stg_raise(p, STG_E_NOT_FOUND,
                         "There is no such key: name it by its id, its hint or "
                         "itself");
    case 1:
        return STG_OK;
    default:
        return stg_raise(p, STG_E_CONFLICT,
                         "Several keys have this hint: name one by its id");
    }
}

stg_error_t *stg_api_key_revoke_own(stg_db_t *db, const char *id,
                                    const char *account, apr_pool_t *p)
{
    stg_rows_t *rows;

    STG_TRY(stg_db_query(&rows, db, STG_Q_KEY_REVOKE_OWN, p,
                         STG_PARAMS(id, account)));
    if (!stg_rows_count(rows))
        return stg_raise(p, STG_E_NOT_FOUND, "there is no such key");
    return STG_OK;
}
