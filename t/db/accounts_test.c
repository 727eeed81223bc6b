/* SPDX-License-Identifier: Apache-2.0 */
#include "db_check.h"

#include "accounts/account.h"
#include "accounts/api_key.h"

#include <apr_strings.h>

static const char *add_key(stg_db_t *db, const char *account,
                           apr_off_t lifetime, apr_pool_t *p)
{
    stg_api_key_spec_t spec = {.account = account,
                               .label = "of a test",
                               .scopes = STG_SCOPE_READ,
                               .lifetime = lifetime};
    const char *id;
    const char *text = "";

    STG_CHECK_OK(stg_account_add(&id, db, account, p));
    STG_CHECK_OK(stg_api_key_add(&id, &text, db, &spec, p));
    return text;
}

static stg_error_t *find(stg_api_keys_t *keys, stg_db_t *db, const char *text,
                         apr_pool_t *p)
{
    stg_principal_t *principal;

    return stg_api_key_find(&principal, keys, db, text, p);
}

static stg_api_keys_t *make_keys(apr_pool_t *p)
{
    stg_api_keys_t *keys;

    STG_CHECK_OK(stg_api_keys_create(&keys, p));
    return keys;
}

static void key_names_its_account_and_scopes(void)
{
    apr_pool_t *p;
    stg_db_t *db;
    stg_api_keys_t *keys;
    const char *key;

    apr_pool_create(&p, NULL);
    db = stg_check_db("", p);
    keys = make_keys(p);
    key = add_key(db, "reader", 0, p);
    for (int i = 0; i < 2; i++) { /* asked for, then remembered */
        stg_principal_t *principal = NULL;

        STG_CHECK_OK(stg_api_key_find(&principal, keys, db, key, p));
        CU_ASSERT_PTR_NOT_NULL_FATAL(principal);
        STG_CHECK_TEXT(principal->realm, "account");
        STG_CHECK_TEXT(principal->name, "reader");
        CU_ASSERT_EQUAL(strlen(principal->subject), 36);
        CU_ASSERT_EQUAL(principal->scopes, STG_SCOPE_READ);
        CU_ASSERT_EQUAL(principal->expires, 0);
    }
    apr_pool_destroy(p);
}

static void account_names_are_unique_and_plain(void)
{
    apr_pool_t *p;
    stg_db_t *db;
    const char *id;

    apr_pool_create(&p, NULL);
    db = stg_check_db("", p);
    STG_CHECK_OK(stg_account_add(&id, db, "twice@example.org", p));
    STG_CHECK_FAILS(stg_account_add(&id, db, "twice@example.org", p),
                    STG_E_CONFLICT);
    STG_CHECK_FAILS(stg_account_add(&id, db, "", p), STG_E_INVALID);
    STG_CHECK_FAILS(stg_account_add(&id, db, "a:b", p), STG_E_INVALID);
    STG_CHECK_FAILS(stg_account_add(&id, db, "-x", p), STG_E_INVALID);
    STG_CHECK_FAILS(stg_account_disable(db, "nobody", p), STG_E_NOT_FOUND);
    apr_pool_destroy(p);
}

static void revoked_key_is_refused(void)
{
    apr_pool_t *p;
    stg_db_t *db;
    stg_api_keys_t *keys;
    const char *key;
    const char *hint;

    apr_pool_create(&p, NULL);
    db = stg_check_db("", p);
    keys = make_keys(p);
    key = add_key(db, "revoked", 0, p);
    hint = apr_pstrndup(p, key, 12);
    STG_CHECK_OK(find(keys, db, key, p));
    STG_CHECK_OK(stg_api_key_revoke(db, hint, p));
    STG_CHECK_OK(stg_api_key_revoke(db, hint, p));
    /* Remembered for a while, but not learnt anew. */
    STG_CHECK_OK(find(keys, db, key, p));
    STG_CHECK_FAILS(find(make_keys(p), db, key, p), STG_E_BAD_CREDENTIAL);
    apr_pool_destroy(p);
}

static void key_that_leaked_is_revoked_by_itself(void)
{
    apr_pool_t *p;
    stg_db_t *db;
    const char *key, *stranger;

    apr_pool_create(&p, NULL);
    db = stg_check_db("", p);
    key = add_key(db, "leaked", 0, p);
    stranger = apr_pstrcat(p, apr_pstrndup(p, key, 12), "and others", NULL);
    STG_CHECK_FAILS(stg_api_key_revoke(db, stranger, p), STG_E_NOT_FOUND);
    STG_CHECK_OK(find(make_keys(p), db, key, p));
    STG_CHECK_OK(stg_api_key_revoke(db, key, p));
    STG_CHECK_FAILS(find(make_keys(p), db, key, p), STG_E_BAD_CREDENTIAL);
    apr_pool_destroy(p);
}

static void disabled_account_is_refused_until_enabled(void)
{
    apr_pool_t *p;
    stg_db_t *db;
    const char *key;

    apr_pool_create(&p, NULL);
    db = stg_check_db("", p);
    key = add_key(db, "disabled", 0, p);
    STG_CHECK_OK(stg_account_disable(db, "disabled", p));
    STG_CHECK_FAILS(find(make_keys(p), db, key, p), STG_E_BAD_CREDENTIAL);
    STG_CHECK_OK(stg_account_enable(db, "disabled", p));
    STG_CHECK_OK(find(make_keys(p), db, key, p));
    apr_pool_destroy(p);
}

static void key_expires_on_time_though_remembered(void)
{
    apr_pool_t *p;
    stg_db_t *db;
    stg_api_keys_t *keys;
    const char *key;

    apr_pool_create(&p, NULL);
    db = stg_check_db("", p);
    keys = make_keys(p);
    key = add_key(db, "expiring", 2, p);
    STG_CHECK_OK(find(keys, db, key, p));
    apr_sleep(apr_time_from_msec(2100));
    STG_CHECK_FAILS(find(keys, db, key, p), STG_E_BAD_CREDENTIAL);
    apr_pool_destroy(p);
}

static void mistyped_key_does_not_reach_the_database(void)
{
    apr_pool_t *p;
    stg_db_lender_t lender;
    stg_db_t *nowhere;
    char *key;

    apr_pool_create(&p, NULL);
    STG_CHECK_OK(
        stg_db_pool_create(&lender, "host=/nonexistent dbname=x", 1, p));
    nowhere = stg_db_create(&lender, p);
    key = apr_pstrdup(p, add_key(stg_check_db("", p), "mistyped", 0, p));
    STG_CHECK_FAILS(find(make_keys(p), nowhere, key, p), STG_E_DB_DOWN);
    key[9] = key[9] == 'x' ? 'y' : 'x';
    STG_CHECK_FAILS(find(make_keys(p), nowhere, key, p), STG_E_BAD_CREDENTIAL);
    apr_pool_destroy(p);
}

static void list_shows_what_a_key_is_worth(void)
{
    apr_pool_t *p;
    stg_db_t *db;
    apr_array_header_t *list;
    const stg_api_key_t *first;

    apr_pool_create(&p, NULL);
    db = stg_check_db("", p);
    add_key(db, "listed", 3600, p);
    STG_CHECK_OK(stg_api_key_list(&list, db, "listed", p));
    CU_ASSERT_EQUAL_FATAL(list->nelts, 1);
    first = &APR_ARRAY_IDX(list, 0, stg_api_key_t);
    STG_CHECK_TEXT(first->status, "active");
    STG_CHECK_TEXT(first->scopes, "read");
    STG_CHECK_TEXT(first->label, "of a test");
    CU_ASSERT_EQUAL(first->expires - first->created, apr_time_from_sec(3600));
    STG_CHECK_OK(stg_api_key_revoke(db, first->id, p));
    STG_CHECK_OK(stg_api_key_list(&list, db, "listed", p));
    STG_CHECK_TEXT(APR_ARRAY_IDX(list, 0, stg_api_key_t).status, "revoked");
    apr_pool_destroy(p);
}

void stg_accounts_suite(void)
{
    CU_pSuite suite = CU_add_suite("accounts", NULL, NULL);

    STG_TEST(suite, key_names_its_account_and_scopes);
    STG_TEST(suite, account_names_are_unique_and_plain);
    STG_TEST(suite, revoked_key_is_refused);
    STG_TEST(suite, key_that_leaked_is_revoked_by_itself);
    STG_TEST(suite, disabled_account_is_refused_until_enabled);
    STG_TEST(suite, key_expires_on_time_though_remembered);
    STG_TEST(suite, mistyped_key_does_not_reach_the_database);
    STG_TEST(suite, list_shows_what_a_key_is_worth);
}
