/* SPDX-License-Identifier: Apache-2.0 */
#include "db_check.h"

#include "accounts/account.h"
#include "accounts/api_key.h"
#include "accounts/sign_in.h"
#include "auth/web_session.h"
#include "base/text.h"

#include <apr_strings.h>

static apr_pool_t *p;
static stg_db_t *db;

static int set_up(void)
{
    apr_pool_create(&p, NULL);
    db = stg_check_db("", p);
    return 0;
}

static int tear_down(void)
{
    apr_pool_destroy(p);
    return 0;
}

static const char *make_account(const char *name)
{
    const char *id = "";

    STG_CHECK_OK(stg_account_add(&id, db, name, p));
    return id;
}

static stg_error_t *sign_in(const char *name, const char *password,
                            const char *address)
{
    const stg_sign_in_t asked = {name, password, address, ""};
    stg_principal_t *who;

    return stg_sign_in_password(&who, db, NULL, &asked, p);
}

static void script(const char *sql)
{
    STG_CHECK_OK(stg_db_script(db, sql, p));
}

/* A session of this account by password; its cookie. */
static const char *make_session(const char *id, const char *key, apr_off_t idle,
                                apr_off_t lifetime)
{
    stg_principal_t *who = stg_principal_create(STG_REALM_ACCOUNT, id, p);
    const stg_web_session_spec_t spec = {.principal = who,
                                         .how = "password",
                                         .key = key,
                                         .idle = idle,
                                         .lifetime = lifetime};
    const char *cookie = "";

    who->scopes = STG_SCOPE_READ;
    STG_CHECK_OK(stg_web_session_add(&cookie, db, &spec, p));
    return cookie;
}

static stg_error_t *find(const char *cookie)
{
    stg_web_session_t *session;

    return stg_web_session_find(&session, db, cookie, p);
}

static void password_that_was_hashed_with_less_is_hashed_again(void)
{
    const char *sql =
        "UPDATE account SET password = '$argon2id$v=19$m=65536,t=2,p=1$"
        "c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc' "
        "WHERE name = 'of old'";
    stg_rows_t *rows;

    script("INSERT INTO account (name) VALUES ('of old')");
    script(sql);
    STG_CHECK_FAILS(sign_in("of old", "Password", "1"), STG_E_BAD_CREDENTIAL);
    STG_CHECK_OK(sign_in("of old", "password", "1"));
    STG_CHECK_OK(
        stg_db_query(&rows, db, STG_Q_PASSWORD_FIND, p, STG_PARAMS("of old")));
    CU_ASSERT(stg_password_is_current(stg_rows_text(rows, 0, "password")));
    STG_CHECK_OK(sign_in("of old", "password", "1"));
}

static void account_without_a_password_signs_nobody_in(void)
{
    make_account("bare");
    STG_CHECK_FAILS(sign_in("bare", "", "2"), STG_E_BAD_CREDENTIAL);
    STG_CHECK_FAILS(sign_in("bare", "anything", "2"), STG_E_BAD_CREDENTIAL);
    STG_CHECK_FAILS(stg_sign_in_set_password(db, "none", "a long password", p),
                    STG_E_NOT_FOUND);
}

static void what_is_not_looked_at_is_not_counted(void)
{
    stg_rows_t *rows;

    script("INSERT INTO account (name, password) VALUES ('broken', 'x')");
    for (int i = 0; i < 30; i++)
        STG_CHECK_FAILS(sign_in("broken", "x", "3"), STG_E_INTERNAL);
    STG_CHECK_OK(stg_db_query(
        &rows, db, STG_Q_LOGIN_CHARGE, p,
        STG_PARAMS(stg_digest_hex_of("sha256", "broken", 6, p), "3")));
    CU_ASSERT_EQUAL(stg_rows_int(rows, 0, "is_charged"), 1);
}

static void session_remembers_who_it_is(void)
{
    const char *id = make_account("remembered");
    const char *cookie = make_session(id, NULL, 60, 3600);
    stg_web_session_t *session = NULL;

    STG_CHECK_OK(stg_web_session_find(&session, db, cookie, p));
    CU_ASSERT_PTR_NOT_NULL_FATAL(session);
    STG_CHECK_TEXT(session->principal->realm, "account");
    STG_CHECK_TEXT(session->principal->subject, id);
    STG_CHECK_TEXT(session->how, "password");
    CU_ASSERT_EQUAL(session->principal->scopes, STG_SCOPE_READ);
    CU_ASSERT_EQUAL(session->idle_end - session->created,
                    apr_time_from_sec(60));
    CU_ASSERT_EQUAL(session->end - session->created, apr_time_from_sec(3600));
    CU_ASSERT_PTR_NULL(session->principal->token);
}

static void session_ends_when_it_should(void)
{
    const char *id = make_account("ending");
    const char *idle = make_session(id, NULL, 60, 3600);
    const char *old = make_session(id, NULL, 3600, 60);
    const char *other = make_session(id, NULL, 3600, 3600);

    STG_CHECK_OK(find(idle));
    STG_CHECK_OK(find(old));
    script("UPDATE session SET idle_end = idle_end - interval '1 minute',"
           " lifetime_end = lifetime_end - interval '1 minute'");
    STG_CHECK_FAILS(find(idle), STG_E_BAD_CREDENTIAL);
    STG_CHECK_FAILS(find(old), STG_E_BAD_CREDENTIAL);
    STG_CHECK_OK(find(other));
    STG_CHECK_OK(stg_web_session_end(db, other, p));
    STG_CHECK_OK(stg_web_session_end(db, other, p));
    STG_CHECK_FAILS(find(other), STG_E_BAD_CREDENTIAL);
    STG_CHECK_FAILS(find(""), STG_E_BAD_CREDENTIAL);
}

static void session_ends_with_what_it_was_made_of(void)
{
    const char *id = make_account("founded");
    stg_api_key_spec_t spec = {
        .account = "founded", .label = "", .scopes = STG_SCOPE_READ};
    const char *key_id, *key = "";
    const char *by_key, *by_password;

    STG_CHECK_OK(stg_api_key_add(&key_id, &key, db, &spec, p));
    by_key = make_session(id, key, 3600, 3600);
    by_password = make_session(id, NULL, 3600, 3600);
    STG_CHECK_OK(stg_api_key_revoke(db, key, p));
    STG_CHECK_FAILS(find(by_key), STG_E_BAD_CREDENTIAL);
    STG_CHECK_OK(find(by_password));
    STG_CHECK_OK(
        stg_sign_in_set_password(db, "founded", "another password", p));
    STG_CHECK_FAILS(find(by_password), STG_E_BAD_CREDENTIAL);
    by_password = make_session(id, NULL, 3600, 3600);
    STG_CHECK_OK(stg_account_disable(db, "founded", p));
    STG_CHECK_OK(stg_account_enable(db, "founded", p));
    STG_CHECK_FAILS(find(by_password), STG_E_BAD_CREDENTIAL);
}

/* Whose proof was good a moment before. */
static stg_error_t *find_session_of(const stg_principal_t *who)
{
    const stg_web_session_spec_t spec = {
        .principal = who, .how = "password", .idle = 3600, .lifetime = 3600};
    const char *cookie = "";

    STG_CHECK_OK(stg_web_session_add(&cookie, db, &spec, p));
    return find(cookie);
}

static void another_password_shuts_out_who_is_just_coming_in(void)
{
    const stg_sign_in_t asked = {"hurried", "the old password", "4", ""};
    const char *code = "", *unused = "";
    stg_principal_t *by_password, *by_link;

    make_account("hurried");
    STG_CHECK_OK(stg_sign_in_set_password(db, "hurried", asked.password, p));
    STG_CHECK_OK(stg_sign_in_link_add(&code, db, "hurried", 60, p));
    STG_CHECK_OK(stg_sign_in_link_add(&unused, db, "hurried", 60, p));
    STG_CHECK_OK(stg_sign_in_password(&by_password, db, NULL, &asked, p));
    STG_CHECK_OK(stg_sign_in_link_redeem(&by_link, db, code, p));
    STG_CHECK_OK(find_session_of(by_password));
    STG_CHECK_OK(find_session_of(by_link));
    STG_CHECK_OK(
        stg_sign_in_set_password(db, "hurried", "the new password", p));
    STG_CHECK_FAILS(find_session_of(by_password), STG_E_BAD_CREDENTIAL);
    STG_CHECK_FAILS(find_session_of(by_link), STG_E_BAD_CREDENTIAL);
    STG_CHECK_FAILS(stg_sign_in_link_redeem(&by_link, db, unused, p),
                    STG_E_BAD_CREDENTIAL);
}

/* However their zeros are left out. */
static void addresses_of_ipv6_are_told_apart_by_network(void)
{
    static const char *const addresses[] = {"2001:0:0:5::1",
                                            "2001::5:1:2:3:4",
                                            "2001::5:0:0:0:9",
                                            "2001::6:1:2:3:4",
                                            "2001:0:0:6::1",
                                            "::1",
                                            "::2",
                                            "::ffff:10.0.0.1",
                                            "::ffff:10.0.0.2"};

    script("DELETE FROM login_failure");
    for (int i = 0; i < 20; i++)
        sign_in(apr_psprintf(p, "more%d", i), "x", addresses[i % 3]);
    STG_CHECK_FAILS(sign_in("again", "x", addresses[0]), STG_E_THROTTLED);
    STG_CHECK_FAILS(sign_in("again", "x", addresses[1]), STG_E_THROTTLED);
    for (int i = 3; i < 9; i++)
        STG_CHECK_FAILS(
            sign_in(apr_psprintf(p, "other%d", i), "x", addresses[i]),
            STG_E_BAD_CREDENTIAL);
}

static void link_of_a_disabled_account_is_worth_nothing(void)
{
    const char *code = "";
    stg_principal_t *who;

    make_account("linked");
    STG_CHECK_OK(stg_sign_in_link_add(&code, db, "linked", 60, p));
    STG_CHECK_OK(stg_account_disable(db, "linked", p));
    STG_CHECK_FAILS(stg_sign_in_link_redeem(&who, db, code, p),
                    STG_E_BAD_CREDENTIAL);
    STG_CHECK_FAILS(stg_sign_in_link_add(&code, db, "linked", 60, p),
                    STG_E_NOT_FOUND);
}

static void what_has_ended_is_forgotten_and_nothing_else(void)
{
    const char *id = make_account("forgotten");
    const char *kept = make_session(id, NULL, 3600, 3600);
    stg_rows_t *rows;

    script("DELETE FROM login_failure;"
           "UPDATE session SET idle_end = now() WHERE idle_seconds < 3600;"
           "INSERT INTO login_failure (kind, what, count, failed, until) "
           "SELECT 'address', n, 1, now() - interval '2 hours', now() "
           "FROM generate_series(1, 5) n;"
           "INSERT INTO login_failure (kind, what, count, until) "
           "VALUES ('address', 'now', 1, now())");
    STG_CHECK_OK(
        stg_db_query(&rows, db, STG_Q_SESSION_FORGET, p, STG_PARAMS("3")));
    CU_ASSERT_EQUAL(stg_rows_int(rows, 0, "done"), 3);
    STG_CHECK_OK(
        stg_db_query(&rows, db, STG_Q_SESSION_FORGET, p, STG_PARAMS("1000")));
    STG_CHECK_OK(
        stg_db_query(&rows, db, STG_Q_SESSION_FORGET, p, STG_PARAMS("1000")));
    CU_ASSERT_EQUAL(stg_rows_int(rows, 0, "done"), 0);
    STG_CHECK_OK(find(kept));
}

void stg_sign_in_suite(void)
{
    CU_pSuite suite = CU_add_suite("sign_in", set_up, tear_down);

    STG_TEST(suite, password_that_was_hashed_with_less_is_hashed_again);
    STG_TEST(suite, account_without_a_password_signs_nobody_in);
    STG_TEST(suite, what_is_not_looked_at_is_not_counted);
    STG_TEST(suite, session_remembers_who_it_is);
    STG_TEST(suite, session_ends_when_it_should);
    STG_TEST(suite, session_ends_with_what_it_was_made_of);
    STG_TEST(suite, another_password_shuts_out_who_is_just_coming_in);
    STG_TEST(suite, addresses_of_ipv6_are_told_apart_by_network);
    STG_TEST(suite, link_of_a_disabled_account_is_worth_nothing);
    STG_TEST(suite, what_has_ended_is_forgotten_and_nothing_else);
}
