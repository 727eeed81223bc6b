/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/seal.h"

#include "base/ids.h"
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

static void only_the_secret_opens_a_seal(void)
{
    static const char *const texts[] = {"", "x", "a token, or the like"};
    const char *secret = stg_secret_create(32, p);

    for (int i = 0; i < 3; i++) {
        const char *sealed = stg_seal(secret, texts[i], p);

        STG_CHECK_TEXT(stg_unseal(secret, sealed, p), texts[i]);
        CU_ASSERT_PTR_NULL(stg_unseal(stg_secret_create(32, p), sealed, p));
        CU_ASSERT_PTR_NULL(stg_unseal("", sealed, p));
    }
}

static void no_two_seals_are_alike(void)
{
    CU_ASSERT(strcmp(stg_seal("secret", "text", p),
                     stg_seal("secret", "text", p)) != 0);
}

static void what_was_changed_or_cut_does_not_open(void)
{
    const char *sealed = stg_seal("secret", "a text", p);
    apr_size_t length = strlen(sealed);

    for (apr_size_t i = 0; i < length; i++) {
        char *changed = apr_pstrdup(p, sealed);

        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        CU_ASSERT_PTR_NULL(stg_unseal("secret", changed, p));
        changed[i] = '\0';
        CU_ASSERT_PTR_NULL(stg_unseal("secret", changed, p));
    }
    CU_ASSERT_PTR_NULL(
        stg_unseal("secret", apr_pstrcat(p, sealed, "AAAA", NULL), p));
}

void stg_seal_suite(void)
{
    CU_pSuite suite = CU_add_suite("seal", set_up, tear_down);

    STG_TEST(suite, only_the_secret_opens_a_seal);
    STG_TEST(suite, no_two_seals_are_alike);
    STG_TEST(suite, what_was_changed_or_cut_does_not_open);
}
