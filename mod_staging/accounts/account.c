/* SPDX-License-Identifier: Apache-2.0 */
#include "accounts/account.h"

#include <apr_strings.h>

#include <string.h>

enum { MAX_NAME = 64 };

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

stg_error_t *stg_account_name_check(const char *name, apr_pool_t *p)
{
    apr_size_t length = strlen(name);

    if (length && length <= MAX_NAME && strchr(LETTERS DIGITS, *name) &&
        strspn(name, LETTERS DIGITS "._-@") == length)
        return STG_OK;
    return stg_raise(p, STG_E_INVALID,
                     "An account name is 1 to %d letters, digits or . _ - @, "
                     "and begins with a letter or digit",
                     MAX_NAME);
}

stg_error_t *stg_account_add(const char **id, stg_db_t *db, const char *name,
                             apr_pool_t *p)
{
    stg_rows_t *rows;

    STG_TRY(stg_account_name_check(name, p));
    STG_TRY(stg_db_query(&rows, db, STG_Q_ACCOUNT_ADD, p, STG_PARAMS(name)));
    if (!stg_rows_count(rows))
        return stg_raise(p, STG_E_CONFLICT, "There is an account %s already",
                         name);
    *id = stg_rows_text(rows, 0, "id");
    return STG_OK;
}

stg_error_t *stg_account_list(apr_array_header_t **accounts, stg_db_t *db,
                              apr_pool_t *p)
{
    stg_rows_t *rows;
    apr_array_header_t *list;

    STG_TRY(stg_db_query(&rows, db, STG_Q_ACCOUNT_LIST, p, STG_NO_PARAMS));
    list = apr_array_make(p, stg_rows_count(rows), sizeof(stg_account_t));
    for (int i = 0; i < stg_rows_count(rows); i++)
        APR_ARRAY_PUSH(list, stg_account_t) = (stg_account_t){
            .id = stg_rows_text(rows, i, "id"),
            .name = stg_rows_text(rows, i, "name"),
            .created = stg_rows_time(rows, i, "created"),
            .is_disabled = (int)stg_rows_int(rows, i, "is_disabled"),
            .is_operator = (int)stg_rows_int(rows, i, "is_operator"),
            .keys = (int)stg_rows_int(rows, i, "keys"),
        };
    *accounts = list;
    return STG_OK;
}

static stg_error_t *check_found(const stg_rows_t *rows, const char *name,
                                apr_pool_t *p)
{
    if (!stg_rows_count(rows))
        return stg_raise(p, STG_E_NOT_FOUND, "There is no account %s", name);
    return STG_OK;
}

static stg_error_t *change(stg_db_t *db, stg_query_t query, const char *name,
                           apr_pool_t *p)
{
    stg_rows_t *rows;

    STG_TRY(stg_db_query(&rows, db, query, p, STG_PARAMS(name)));
    return check_found(rows, name, p);
}

stg_error_t *stg_account_disable(stg_db_t *db, const char *name, apr_pool_t *p)
{
    return change(db, STG_Q_ACCOUNT_DISABLE, name, p);
}

stg_error_t *stg_account_enable(stg_db_t *db, const char *name, apr_pool_t *p)
{
    return change(db, STG_Q_ACCOUNT_ENABLE, name, p);
}

stg_error_t *stg_account_operator(stg_db_t *db, const char *name,
                                  int is_operator, apr_pool_t *p)
{
    stg_rows_t *rows;

    STG_TRY(stg_db_query(&rows, db, STG_Q_ACCOUNT_OPERATOR, p,
                         STG_PARAMS(name, is_operator ? "true" : "false")));
    return check_found(rows, name, p);
}
