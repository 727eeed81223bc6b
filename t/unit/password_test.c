/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/password.h"

#include "check.h"

#include <apr_strings.h>

#include <string.h>

static apr_pool_t *p;

static int set_up(void)
{
    return apr_pool_create(&p, NULL) != APR_SUCCESS;
}

static int tear_down(void)
{
    apr_pool_destroy(p);
    return 0;
}

static int is_right(const char *kept, const char *password)
{
    int answer = -1;

    STG_CHECK_OK(stg_password_verify(&answer, NULL, kept, password, p));
    return answer;
}

/* From the tests of the reference implementation. */
static void hash_of_others_is_understood(void)
{
    static const char kept[] = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$"
                               "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

    CU_ASSERT_EQUAL(is_right(kept, "password"), 1);
    CU_ASSERT_EQUAL(is_right(kept, "Password"), 0);
    CU_ASSERT(!stg_password_is_current(kept));
}

static void password_is_right_and_no_other(void)
{
    const char *kept, *again;

    STG_CHECK_OK(stg_password_hash(&kept, NULL, "correct horse", p));
    STG_CHECK_OK(stg_password_hash(&again, NULL, "correct horse", p));
    CU_ASSERT(strcmp(kept, again) != 0);
    CU_ASSERT(stg_password_is_current(kept));
    CU_ASSERT_EQUAL(is_right(kept, "correct horse"), 1);
    CU_ASSERT_EQUAL(is_right(kept, "correct horse "), 0);
    CU_ASSERT_EQUAL(is_right(kept, ""), 0);
    CU_ASSERT_EQUAL(is_right(NULL, "correct horse"), 0);
    CU_ASSERT_EQUAL(is_right(NULL, ""), 0);
}

static void what_is_no_hash_lets_nobody_in(void)
{
    static const char *const broken[] = {
        "",
        "correct horse",
        "$argon2id$v=19$m=19456,t=2,p=1$",
        "$argon2id$v=19$m=19456,t=2,p=1$$",
        "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$",
        "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$A",
        "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AA==",
        "$argon2id$v=19$m=0,t=0,p=0$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAA",
        "$argon2i$v=19$m=64,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAA",
    };

    for (unsigned int i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
        int answer;

        STG_CHECK_FAILS(stg_password_verify(&answer, NULL, broken[i], "", p),
                        STG_E_INTERNAL);
    }
}

static void chosen_ones_are_long_and_plain(void)
{
    static const char *const good[] = {"twelve chars", "           x",
                                       "\xd0\xb0\xd0\xb0\xd0\xb0\xd0\xb0"
                                       "\xd0\xb0\xd0\xb0\xd0\xb0\xd0\xb0"
                                       "\xd0\xb0\xd0\xb0\xd0\xb0\xd0\xb0"};
    static const char *const bad[] = {
        "", "eleven char", "tab\tin the password", "\xff\xff\xff is no UTF-8",
        "\xd0\xb0\xd0\xb0\xd0\xb0\xd0\xb0\xd0\xb0\xd0\xb0"};
    char *most = apr_pcalloc(p, STG_PASSWORD_MAX_BYTES + 2);

    for (unsigned int i = 0; i < sizeof(good) / sizeof(*good); i++)
        STG_CHECK_OK(stg_password_check(good[i], p));
    for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        STG_CHECK_FAILS(stg_password_check(bad[i], p), STG_E_INVALID);
    memset(most, 'x', STG_PASSWORD_MAX_BYTES);
    STG_CHECK_OK(stg_password_check(most, p));
    most[STG_PASSWORD_MAX_BYTES] = 'x';
    STG_CHECK_FAILS(stg_password_check(most, p), STG_E_INVALID);
}

void stg_password_suite(void)
{
    CU_pSuite suite = CU_add_suite("password", set_up, tear_down);

    STG_TEST(suite, hash_of_others_is_understood);
    STG_TEST(suite, password_is_right_and_no_other);
    STG_TEST(suite, what_is_no_hash_lets_nobody_in);
    STG_TEST(suite, chosen_ones_are_long_and_plain);
}
