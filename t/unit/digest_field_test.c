/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/digest_field.h"

#include "check.h"

#include <stdlib.h>

/* Of the empty body. */
#define MD5 "d41d8cd98f00b204e9800998ecf8427e"
#define MD5_64 "1B2M2Y8AsgTpgAmY7PhCfg=="
#define SHA1 "da39a3ee5e6b4b0d3255bfef95601890afd80709"
#define SHA1_64 "2jmj7l5rSw0yVb/vlWAYkK/YBwk="
#define SHA256                                                                 \
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SHA256_64 "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

#define SHA512                                                                 \
    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"         \
    "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"
#define SHA512_64                                                              \
    "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdB" \
    "eoGlODJ6+SfaPg=="

static apr_pool_t *pool;

static int set_up(void)
{
    return apr_pool_create(&pool, NULL) != APR_SUCCESS;
}

static int tear_down(void)
{
    apr_pool_destroy(pool);
    return 0;
}

static void check(const char *value, const char *md5, const char *sha1,
                  const char *sha256)
{
    stg_digests_t digests = {{"", "", "", ""}};

    STG_CHECK_OK(stg_digest_field_parse(&digests, value, pool));
    STG_CHECK_TEXT(digests.hex[STG_MD5], md5);
    STG_CHECK_TEXT(digests.hex[STG_SHA1], sha1);
    STG_CHECK_TEXT(digests.hex[STG_SHA256], sha256);
}

static void known_digests_are_read(void)
{
    check("sha-256=:" SHA256_64 ":", NULL, NULL, SHA256);
    check(" sha=:" SHA1_64 ": ,\tmd5=:" MD5_64 ":  ", MD5, SHA1, NULL);
    check("", NULL, NULL, NULL);
}

static void sha_512_goes_both_ways(void)
{
    stg_digests_t digests = {{NULL}};
    const char *value = "sha-512=:" SHA512_64 ":, md5=:" MD5_64 ":";

    STG_CHECK_OK(stg_digest_field_parse(&digests, value, pool));
    STG_CHECK_TEXT(digests.hex[STG_SHA512], SHA512);
    STG_CHECK_TEXT(stg_digest_field(&digests, pool), value);
    CU_ASSERT_EQUAL(stg_digest_field_wanted("sha-512=5, sha-256=4",
                                            STG_ALGORITHMS_ALL, pool),
                    STG_SHA512);
}

static void unknown_algorithms_are_ignored(void)
{
    check("sha-384=:AAAA:, x.y_z-*=::, md5=:" MD5_64 ":", MD5, NULL, NULL);
}

static void the_last_of_a_name_counts(void)
{
    check("md5=:AAAAAAAAAAAAAAAAAAAAAA==:, md5=:" MD5_64 ":", MD5, NULL, NULL);
}

static void malformed_fields_are_refused(void)
{
    static const char *const values[] = {
        "md5",
        "md5=",
        "md5=" MD5_64,
        "md5=:" MD5_64,
        "md5=:" MD5_64 ":,",
        ",md5=:" MD5_64 ":",
        "md5=:" MD5_64 ": sha=:" SHA1_64 ":",
        "md5=:" MD5_64 ":;q=1",
        "md5= :" MD5_64 ":",
        "md5=:1B2M2Y8AsgTpgAmY7PhCfg:",
        "md5=:1B2M2Y8AsgTpgAmY7PhCfh==:",
        "md5=:AAAA:",
        "sha-256=:" MD5_64 ":",
        "md5=::",
        "MD5=:" MD5_64 ":",
        "sha-512=:" SHA256_64 ":",
        "sha-384=1",
        "1=:AAAA:",
    };
    stg_digests_t digests;

    for (apr_size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        STG_CHECK_FAILS(stg_digest_field_parse(&digests, values[i], pool),
                        STG_E_INVALID);
}

static void check_flaw(const apr_array_header_t *flaws, int i,
                       const char *algorithm, const char *reason)
{
    const stg_digest_flaw_t *flaw = &APR_ARRAY_IDX(flaws, i, stg_digest_flaw_t);

    STG_CHECK_TEXT(flaw->algorithm, algorithm);
    if (reason)
        CU_ASSERT(flaw->reason && strstr(flaw->reason, reason));
    if (!reason)
        CU_ASSERT_PTR_NULL(flaw->reason);
}

static void every_flaw_of_a_field_is_told(void)
{
    apr_array_header_t *flaws =
        apr_array_make(pool, 1, sizeof(stg_digest_flaw_t));
    stg_digests_t digests = {{NULL}};

    STG_CHECK_OK(stg_digest_field_inspect(
        &digests, flaws, "a=:AAAA:, md5=:" MD5_64 ":, b=:AAAA:", pool));
    STG_CHECK_TEXT(digests.hex[STG_MD5], MD5);
    CU_ASSERT_EQUAL_FATAL(flaws->nelts, 2);
    check_flaw(flaws, 0, "a", NULL);
    check_flaw(flaws, 1, "b", NULL);
    apr_array_clear(flaws);
    STG_CHECK_FAILS(stg_digest_field_inspect(
                        &digests, flaws,
                        "sha=:AAAA:, c=:AAAA:, md5=:AAAA:, sha-256=x", pool),
                    STG_E_INVALID);
    CU_ASSERT_EQUAL_FATAL(flaws->nelts, 4);
    check_flaw(flaws, 0, "sha", "20 bytes");
    check_flaw(flaws, 1, "c", NULL);
    check_flaw(flaws, 2, "md5", "16 bytes");
    check_flaw(flaws, 3, "sha-256", "form");
    apr_array_clear(flaws);
    STG_CHECK_FAILS(stg_digest_field_inspect(&digests, flaws, "!", pool),
                    STG_E_INVALID);
    CU_ASSERT_EQUAL_FATAL(flaws->nelts, 1);
    check_flaw(flaws, 0, NULL, "form");
}

static void every_beginning_is_parsed_or_refused(void)
{
    const char *value = "md5=:" MD5_64 ":, sha-256=:" SHA256_64 ":";
    stg_digests_t digests;
    int accepted = 0;

    for (apr_size_t count = 0; count <= strlen(value); count++) {
        char *copy = strndup(value, count);
        stg_error_t *err = stg_digest_field_parse(&digests, copy, pool);

        CU_ASSERT(!err || err->code == STG_E_INVALID);
        accepted += !err;
        free(copy);
    }
    CU_ASSERT_EQUAL(accepted, 3); /* nothing, one and both */
}

static void content_md5_must_agree(void)
{
    stg_digests_t digests = {{NULL}};

    STG_CHECK_FAILS(stg_digest_field_md5(&digests, "AAAA", pool),
                    STG_E_INVALID);
    STG_CHECK_FAILS(stg_digest_field_md5(&digests, MD5, pool), STG_E_INVALID);
    STG_CHECK_OK(stg_digest_field_md5(&digests, MD5_64, pool));
    STG_CHECK_TEXT(digests.hex[STG_MD5], MD5);
    STG_CHECK_OK(stg_digest_field_md5(&digests, MD5_64, pool));
    STG_CHECK_FAILS(
        stg_digest_field_md5(&digests, "AAAAAAAAAAAAAAAAAAAAAA==", pool),
        STG_E_INVALID);
}

static void the_most_wanted_algorithm_is_chosen(void)
{
    const stg_algorithm_set_t all = 7;

    CU_ASSERT_EQUAL(stg_digest_field_wanted("md5=9, sha=3", all, pool),
                    STG_MD5);
    CU_ASSERT_EQUAL(
        stg_digest_field_wanted("md5=9, sha=3", 1U << STG_SHA1, pool),
        STG_SHA1);
    CU_ASSERT_EQUAL(
        stg_digest_field_wanted("sha-512=10, md5=1,sha-256=1", all, pool),
        STG_SHA256);
    CU_ASSERT_EQUAL(stg_digest_field_wanted("md5=0", all, pool),
                    STG_ALGORITHMS);
    CU_ASSERT_EQUAL(stg_digest_field_wanted(NULL, all, pool), STG_ALGORITHMS);
}

static void malformed_wishes_are_ignored(void)
{
    static const char *const values[] = {
        "md5",      "md5=",        "md5=11",  "md5=-1", "md5=1,",
        "md5=0001", "md5=1 sha=1", "md5=1.5", "=1",
    };

    for (apr_size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        CU_ASSERT_EQUAL(stg_digest_field_wanted(values[i], 7, pool),
                        STG_ALGORITHMS);
}

static void fields_are_rendered(void)
{
    stg_digests_t none = {{NULL}};
    stg_digests_t digests = {{MD5, SHA1, SHA256}};

    STG_CHECK_TEXT(stg_digest_field(&none, pool), NULL);
    STG_CHECK_TEXT(stg_digest_field(&digests, pool),
                   "sha-256=:" SHA256_64 ":, sha=:" SHA1_64 ":, md5=:" MD5_64
                   ":");
    digests.hex[STG_SHA256] = digests.hex[STG_MD5] = NULL;
    STG_CHECK_TEXT(stg_digest_field(&digests, pool), "sha=:" SHA1_64 ":");
}

static void only_digests_that_both_have_are_compared(void)
{
    stg_digests_t announced = {{NULL, SHA1, NULL}};
    stg_digests_t computed = {{MD5, SHA1, NULL}};

    CU_ASSERT_EQUAL(stg_digests_compare(&announced, &computed), STG_ALGORITHMS);
    announced.hex[STG_MD5] = SHA1;
    CU_ASSERT_EQUAL(stg_digests_compare(&announced, &computed), STG_MD5);
}

void stg_digest_field_suite(void)
{
    CU_pSuite suite = CU_add_suite("digest_field", set_up, tear_down);

    STG_TEST(suite, known_digests_are_read);
    STG_TEST(suite, sha_512_goes_both_ways);
    STG_TEST(suite, unknown_algorithms_are_ignored);
    STG_TEST(suite, the_last_of_a_name_counts);
    STG_TEST(suite, malformed_fields_are_refused);
    STG_TEST(suite, every_flaw_of_a_field_is_told);
    STG_TEST(suite, every_beginning_is_parsed_or_refused);
    STG_TEST(suite, content_md5_must_agree);
    STG_TEST(suite, the_most_wanted_algorithm_is_chosen);
    STG_TEST(suite, malformed_wishes_are_ignored);
    STG_TEST(suite, fields_are_rendered);
    STG_TEST(suite, only_digests_that_both_have_are_compared);
}
