/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/credentials.h"

#include "check.h"

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

static void credentials_leave_the_query_and_stars_stay(void)
{
    static const struct {
        const char *query, *rest, *masked;
    } cases[] = {
        {"key=a", NULL, "key=***"},
        {"x=1&key=a&y=2", "x=1&y=2", "x=1&key=***&y=2"},
        {"token=a&signature=b", NULL, "token=***&signature=***"},
        {"%6Bey=a&x", "x", "%6Bey=***&x"},
        {"key", NULL, "key=***"},
        {"edi_token=a&email=b", "email=b", "edi_token=***&email=b"},
        {"KEY=a&keys=b&xkey=c", "KEY=a&keys=b&xkey=c", "KEY=a&keys=b&xkey=c"},
    };

    for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        stg_credentials_t shown = {.key = NULL};
        const char *masked;
        const char *rest =
            stg_credentials_split(&shown, &masked, cases[i].query, p);

        if (cases[i].rest)
            STG_CHECK_TEXT(rest, cases[i].rest);
        else
            CU_ASSERT_PTR_NULL(rest);
        STG_CHECK_TEXT(masked, cases[i].masked);
    }
}

static void what_was_shown_twice_is_known(void)
{
    static const char *const queries[] = {"key=a&key=b", "key=a&%6bey",
                                          "token=&token="};
    const char *masked;

    for (unsigned int i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
        stg_credentials_t shown = {.key = NULL};

        stg_credentials_split(&shown, &masked, queries[i], p);
        CU_ASSERT(shown.is_repeated);
    }
}

static void values_are_decoded(void)
{
    stg_credentials_t shown = {.key = NULL};
    const char *masked;

    stg_credentials_split(&shown, &masked, "key=a%2Bb&token=%zz&signature", p);
    STG_CHECK_TEXT(shown.key, "a+b");
    STG_CHECK_TEXT(shown.token, "");
    STG_CHECK_TEXT(shown.signature, "");
    CU_ASSERT(!shown.is_repeated);
}

static void bearer_is_the_only_scheme_and_comes_once(void)
{
    static const char *const others[] = {NULL, "", "Bearer", "Basic x",
                                         "Bearerx y"};
    stg_credentials_t shown = {.key = NULL};

    for (unsigned int i = 0; i < sizeof(others) / sizeof(*others); i++) {
        STG_CHECK_OK(stg_credentials_bearer(&shown, others[i], p));
        CU_ASSERT_PTR_NULL(shown.bearer);
    }
    STG_CHECK_OK(stg_credentials_bearer(&shown, "bEARER   stg_x", p));
    STG_CHECK_TEXT(shown.bearer, "stg_x");
    STG_CHECK_FAILS(stg_credentials_bearer(&shown, "Bearer a, Bearer b", p),
                    STG_E_INVALID);
}

void stg_credentials_suite(void)
{
    CU_pSuite suite = CU_add_suite("credentials", set_up, tear_down);

    STG_TEST(suite, credentials_leave_the_query_and_stars_stay);
    STG_TEST(suite, what_was_shown_twice_is_known);
    STG_TEST(suite, values_are_decoded);
    STG_TEST(suite, bearer_is_the_only_scheme_and_comes_once);
}
