/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "accounts/api_key.h"
#include "base/text.h"

#include <apr_strings.h>

/* "stg_", 43 characters, and their checksum. */
static char *make_key(apr_pool_t *p)
{
    const char *body = "stg_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const char *hex = stg_digest_hex_of("sha256", body, strlen(body), p);

    return apr_psprintf(p, "%s%.6s", body, hex);
}

static void key_with_its_checksum_is_well_formed(void)
{
    apr_pool_t *p;

    apr_pool_create(&p, NULL);
    CU_ASSERT(stg_api_key_is_ours(make_key(p)));
    CU_ASSERT(stg_api_key_is_well_formed(make_key(p), p));
    apr_pool_destroy(p);
}

static void one_wrong_character_spoils_a_key(void)
{
    apr_pool_t *p;
    int length;

    apr_pool_create(&p, NULL);
    length = (int)strlen(make_key(p));
    for (int i = 0; i < length; i++) {
        char *key = make_key(p);

        key[i] ^= 1;
        CU_ASSERT(!stg_api_key_is_well_formed(key, p));
        key[i] = '\0';
        CU_ASSERT(!stg_api_key_is_well_formed(key, p));
    }
    CU_ASSERT(
        !stg_api_key_is_well_formed(apr_pstrcat(p, make_key(p), "0", NULL), p));
    apr_pool_destroy(p);
}

static void other_credentials_are_not_ours(void)
{
    CU_ASSERT(!stg_api_key_is_ours(""));
    CU_ASSERT(!stg_api_key_is_ours("stg"));
    CU_ASSERT(!stg_api_key_is_ours("STG_x"));
    CU_ASSERT(!stg_api_key_is_ours("eyJhbGciOiJSUzI1NiJ9.e30.x"));
}

static void scopes_are_read_and_write_only(void)
{
    apr_pool_t *p;
    unsigned int scopes = 0;

    apr_pool_create(&p, NULL);
    STG_CHECK_OK(stg_api_key_scopes_parse(&scopes, "read", p));
    CU_ASSERT_EQUAL(scopes, STG_SCOPE_READ);
    STG_CHECK_OK(stg_api_key_scopes_parse(&scopes, "write,read", p));
    CU_ASSERT_EQUAL(scopes, STG_SCOPE_READ | STG_SCOPE_WRITE);
    STG_CHECK_FAILS(stg_api_key_scopes_parse(&scopes, "", p), STG_E_INVALID);
    STG_CHECK_FAILS(stg_api_key_scopes_parse(&scopes, "read,admin", p),
                    STG_E_INVALID);
    STG_CHECK_FAILS(stg_api_key_scopes_parse(&scopes, "read write", p),
                    STG_E_INVALID);
    apr_pool_destroy(p);
}

void stg_api_key_suite(void)
{
    CU_pSuite suite = CU_add_suite("api_key", NULL, NULL);

    STG_TEST(suite, key_with_its_checksum_is_well_formed);
    STG_TEST(suite, one_wrong_character_spoils_a_key);
    STG_TEST(suite, other_credentials_are_not_ours);
    STG_TEST(suite, scopes_are_read_and_write_only);
}
