/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "check.h"

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

static const unsigned char *bytes_of(const char *text)
{
    return (const unsigned char *)text;
}

static void hex_goes_there_and_back(void)
{
    apr_size_t count = 0;
    const char *bytes = stg_unhex("00Ffa9", &count, pool);

    CU_ASSERT_EQUAL_FATAL(count, 3);
    CU_ASSERT(memcmp(bytes, "\x00\xff\xa9", 4) == 0);
    STG_CHECK_TEXT(stg_hex(bytes_of(bytes), 3, pool), "00ffa9");
    STG_CHECK_TEXT(stg_hex(bytes_of(""), 0, pool), "");
}

static void what_is_not_hex_is_refused(void)
{
    apr_size_t count;

    CU_ASSERT_PTR_NULL(stg_unhex("0", &count, pool));
    CU_ASSERT_PTR_NULL(stg_unhex("0g", &count, pool));
    CU_ASSERT_PTR_NULL(stg_unhex("g0", &count, pool));
    CU_ASSERT_PTR_NULL(stg_unhex(" 00 ", &count, pool));
}

/* The vectors of RFC 4648, section 10. */
static void base64_matches_its_rfc(void)
{
    static const char *const vectors[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };

    for (apr_size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const char *plain = vectors[i][0];
        apr_size_t count = 99;

        STG_CHECK_TEXT(stg_base64(bytes_of(plain), strlen(plain), pool),
                       vectors[i][1]);
        STG_CHECK_TEXT(stg_unbase64(vectors[i][1], &count, pool), plain);
        CU_ASSERT_EQUAL(count, strlen(plain));
    }
}

static void base64url_uses_its_own_letters_without_padding(void)
{
    apr_size_t count = 0;

    STG_CHECK_TEXT(stg_base64(bytes_of("\xff\xef\xbf"), 2, pool), "/+8=");
    STG_CHECK_TEXT(stg_base64url(bytes_of("\xff\xef\xbf"), 2, pool), "_-8");
    CU_ASSERT_PTR_NOT_NULL(stg_unbase64url("_-8", &count, pool));
    CU_ASSERT_EQUAL(count, 2);
    CU_ASSERT_PTR_NULL(stg_unbase64url("_-8=", &count, pool));
    CU_ASSERT_PTR_NULL(stg_unbase64url("/+8", &count, pool));
}

static void only_canonical_base64_is_accepted(void)
{
    static const char *const wrong[] = {
        "Zg",    "Zg=",    "Z===", "====",     "Zh==",     "Zm9=",
        "Zm 9v", "Zm9v\n", "=m9v", "Zg==Zg==", "Zm9v====", "Zm-v",
    };
    apr_size_t count;

    for (apr_size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CU_ASSERT_PTR_NULL(stg_unbase64(wrong[i], &count, pool));
    CU_ASSERT_PTR_NULL(stg_unbase64url("Z", &count, pool));
}

static void percent_encoding_keeps_only_what_it_is_told_to(void)
{
    STG_CHECK_TEXT(stg_percent_encode("a/b c~\xc3\xa9", "/", pool),
                   "a/b%20c~%C3%A9");
    STG_CHECK_TEXT(stg_percent_encode("a/b", NULL, pool), "a%2Fb");
}

static void percent_decoding_is_strict(void)
{
    STG_CHECK_TEXT(stg_percent_decode("a%2fb%C3%a9+", pool), "a/b\xc3\xa9+");
    CU_ASSERT_PTR_NULL(stg_percent_decode("%", pool));
    CU_ASSERT_PTR_NULL(stg_percent_decode("%2", pool));
    CU_ASSERT_PTR_NULL(stg_percent_decode("%2g", pool));
    CU_ASSERT_PTR_NULL(stg_percent_decode("a%00b", pool));
}

static void numbers_are_digits_that_fit(void)
{
    apr_off_t value = -1;

    CU_ASSERT(stg_parse_off("9223372036854775807", &value));
    CU_ASSERT_EQUAL(value, APR_INT64_MAX);
    CU_ASSERT(stg_parse_off("007", &value));
    CU_ASSERT_EQUAL(value, 7);
    CU_ASSERT_FALSE(stg_parse_off("9223372036854775808", &value));
    CU_ASSERT_FALSE(stg_parse_off("", &value));
    CU_ASSERT_FALSE(stg_parse_off("-1", &value));
    CU_ASSERT_FALSE(stg_parse_off("+1", &value));
    CU_ASSERT_FALSE(stg_parse_off(" 1", &value));
    CU_ASSERT_FALSE(stg_parse_off("1 ", &value));
    CU_ASSERT_FALSE(stg_parse_off("0x1", &value));
    CU_ASSERT_EQUAL(value, 7);
}

static void offsets_have_at_most_15_digits(void)
{
    apr_off_t value = -1;

    CU_ASSERT(stg_parse_offset("999999999999999", &value));
    CU_ASSERT_EQUAL(value, 999999999999999);
    CU_ASSERT(stg_parse_offset("0", &value) && value == 0);
    CU_ASSERT_FALSE(stg_parse_offset("1000000000000000", &value));
    CU_ASSERT_FALSE(stg_parse_offset("0000000000000005", &value));
    CU_ASSERT_FALSE(stg_parse_offset("", &value));
    CU_ASSERT_FALSE(stg_parse_offset("-1", &value));
    CU_ASSERT_FALSE(stg_parse_offset("+5", &value));
    CU_ASSERT_FALSE(stg_parse_offset("1.5", &value));
    CU_ASSERT_FALSE(stg_parse_offset("5, 5", &value));
    CU_ASSERT_EQUAL(value, 0);
}

static void sizes_and_durations_take_one_unit(void)
{
    apr_off_t value;

    CU_ASSERT(stg_parse_size("4096", &value) && value == 4096);
    CU_ASSERT(stg_parse_size("100k", &value) && value == 102400);
    CU_ASSERT(stg_parse_size("5G", &value) && value == 5368709120);
    CU_ASSERT_FALSE(stg_parse_size("5g", &value));
    CU_ASSERT_FALSE(stg_parse_size("5GB", &value));
    CU_ASSERT_FALSE(stg_parse_size("G", &value));
    CU_ASSERT_FALSE(stg_parse_size("9000000000000G", &value));
    CU_ASSERT(stg_parse_duration("30d", &value) && value == 2592000);
    CU_ASSERT(stg_parse_duration("90", &value) && value == 90);
    CU_ASSERT_FALSE(stg_parse_duration("1w", &value));
    CU_ASSERT_FALSE(stg_parse_duration("1d1", &value));
}

static void utf8_is_checked_as_its_rfc_says(void)
{
    static const char *const wrong[] = {
        "\x80",
        "\xc0\x80",
        "\xc1\xbf",
        "\xe0\x9f\xbf",
        "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xe2\x82",
        "\xff",
        "\xe2\x28\xa1",
    };
    const char *right = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
    apr_size_t characters = 0;

    CU_ASSERT(stg_utf8_is_valid(right, strlen(right), &characters));
    CU_ASSERT_EQUAL(characters, 4);
    CU_ASSERT_FALSE(stg_utf8_is_valid("a\0b", 3, NULL));
    for (apr_size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CU_ASSERT_FALSE(stg_utf8_is_valid(wrong[i], strlen(wrong[i]), NULL));
}

static void digests_of_short_texts_match(void)
{
    STG_CHECK_TEXT(stg_digest_hex_of("md5", "abc", 3, pool),
                   "900150983cd24fb0d6963f7d28e17f72");
    STG_CHECK_TEXT(stg_digest_hex_of("sha1", "abc", 3, pool),
                   "a9993e364706816aba3e25717850c26c9cd0d89d");
    STG_CHECK_TEXT(stg_digest_hex_of("sha256", "", 0, pool),
                   "e3b0c44298fc1c149afbf4c8996fb924"
                   "27ae41e4649b934ca495991b7852b855");
}

void stg_text_suite(void)
{
    CU_pSuite suite = CU_add_suite("text", set_up, tear_down);

    STG_TEST(suite, hex_goes_there_and_back);
    STG_TEST(suite, what_is_not_hex_is_refused);
    STG_TEST(suite, base64_matches_its_rfc);
    STG_TEST(suite, base64url_uses_its_own_letters_without_padding);
    STG_TEST(suite, only_canonical_base64_is_accepted);
    STG_TEST(suite, percent_encoding_keeps_only_what_it_is_told_to);
    STG_TEST(suite, percent_decoding_is_strict);
    STG_TEST(suite, numbers_are_digits_that_fit);
    STG_TEST(suite, offsets_have_at_most_15_digits);
    STG_TEST(suite, sizes_and_durations_take_one_unit);
    STG_TEST(suite, utf8_is_checked_as_its_rfc_says);
    STG_TEST(suite, digests_of_short_texts_match);
}
