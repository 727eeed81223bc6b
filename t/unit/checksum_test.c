/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/checksum.h"
#include "base/text.h"
#include "stream/crc32c.h"

#include "check.h"
#include "stream_check.h"

#include <apr_strings.h>

/* Of "123456789". */
#define MD5_64 "JfnnlDI7RTiF9RgfG2JNCw=="
#define SHA1_64 "98O8HYCOBHMq32eZZczDTKeuNEE="
#define SHA256_64 "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="
#define CRC32C_64 "4waSgw=="

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

static void crc32c_is_castagnolis(void)
{
    stg_crc32c_t *crc = stg_crc32c_create(pool);
    char bytes[32];

    /* RFC 3720, B.4. */
    CU_ASSERT_EQUAL(stg_crc32c_value(crc), 0);
    memset(bytes, 0, sizeof(bytes));
    stg_crc32c_update(crc, bytes, sizeof(bytes));
    CU_ASSERT_EQUAL(stg_crc32c_value(crc), 0x8a9136aa);
    crc = stg_crc32c_create(pool);
    memset(bytes, 0xff, sizeof(bytes));
    stg_crc32c_update(crc, bytes, sizeof(bytes));
    CU_ASSERT_EQUAL(stg_crc32c_value(crc), 0x62a8ab43);
    crc = stg_crc32c_create(pool);
    for (int i = 0; i < 32; i++)
        bytes[i] = (char)i;
    stg_crc32c_update(crc, bytes, sizeof(bytes));
    CU_ASSERT_EQUAL(stg_crc32c_value(crc), 0x46dd794e);
}

static void crc32c_comes_in_any_pieces(void)
{
    char bytes[61];
    apr_uint32_t whole;
    stg_crc32c_t *crc = stg_crc32c_create(pool);

    for (apr_size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 37 + 200);
    stg_crc32c_update(crc, bytes, sizeof(bytes));
    whole = stg_crc32c_value(crc);
    for (apr_size_t at = 0; at <= sizeof(bytes); at++) {
        crc = stg_crc32c_create(pool);
        stg_crc32c_update(crc, bytes, at);
        stg_crc32c_update(crc, bytes + at, sizeof(bytes) - at);
        CU_ASSERT_EQUAL(stg_crc32c_value(crc), whole);
    }
}

static stg_checksums_t announced(const char *value)
{
    stg_checksums_t checksums = {.crc32c = NULL};

    STG_CHECK_OK(stg_checksum_parse(&checksums, value, pool));
    return checksums;
}

/* The checksum of "123456789" in two pieces. */
static stg_checksums_t computed(const stg_checksums_t *wanted)
{
    stg_probe_sink_t *probe = stg_probe_create(pool);
    stg_checksum_t *checksum = stg_checksum_create(&probe->sink, wanted, pool);
    stg_checksums_t checksums = {.crc32c = NULL};

    STG_CHECK_OK(stg_sink_write(stg_checksum_sink(checksum), "1234", 4));
    STG_CHECK_TEXT(stg_memory_sink_text(probe->memory, NULL), "1234");
    STG_CHECK_OK(stg_sink_write(stg_checksum_sink(checksum), "56789", 5));
    STG_CHECK_OK(stg_checksum_finish(&checksums, checksum, pool));
    STG_CHECK_TEXT(stg_memory_sink_text(probe->memory, NULL), "123456789");
    CU_ASSERT_EQUAL(probe->is_closed, 0);
    STG_CHECK_OK(stg_sink_close(stg_checksum_sink(checksum)));
    CU_ASSERT_EQUAL(probe->is_closed, 1);
    return checksums;
}

static void each_algorithm_agrees_with_the_same_bytes(void)
{
    static const char *const values[] = {"md5 " MD5_64, "sha1 " SHA1_64,
                                         "sha256 " SHA256_64,
                                         "crc32c " CRC32C_64};

    for (apr_size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        stg_checksums_t wanted = announced(values[i]);
        stg_checksums_t some = computed(&wanted);
        stg_checksums_t all = computed(NULL);

        STG_CHECK_OK(stg_checksums_compare(&wanted, &some, pool));
        STG_CHECK_OK(stg_checksums_compare(&wanted, &all, pool));
        STG_CHECK_OK(stg_checksums_compare(&some, &all, pool));
    }
}

static void other_bytes_are_a_mismatch(void)
{
    static const char *const values[] = {
        "md5 AAAAAAAAAAAAAAAAAAAAAA==", "sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
        "sha256 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "crc32c AAAAAA=="};

    for (apr_size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        stg_checksums_t wanted = announced(values[i]);
        stg_checksums_t some = computed(&wanted);
        stg_checksums_t all = computed(NULL);

        STG_CHECK_FAILS(stg_checksums_compare(&wanted, &some, pool),
                        STG_E_CHECKSUM);
        STG_CHECK_FAILS(stg_checksums_compare(&wanted, &all, pool),
                        STG_E_CHECKSUM);
    }
}

static void only_what_is_announced_is_computed(void)
{
    stg_checksums_t wanted = announced("sha1 " SHA1_64);
    stg_checksums_t other = announced("crc32c " CRC32C_64);
    stg_checksums_t found = computed(&wanted);

    CU_ASSERT_PTR_NULL(found.crc32c);
    CU_ASSERT_PTR_NULL(found.digests.hex[STG_MD5]);
    CU_ASSERT_PTR_NULL(found.digests.hex[STG_SHA512]);
    /* Nothing agrees with what was not computed. */
    STG_CHECK_FAILS(stg_checksums_compare(&other, &found, pool),
                    STG_E_CHECKSUM);
}

static void a_content_digest_is_compared_whole(void)
{
    stg_checksums_t wanted = {.crc32c = NULL};
    stg_checksums_t found;

    STG_CHECK_OK(stg_digest_field_parse(
        &wanted.digests,
        "sha-256=:" SHA256_64 ":, foo=:AAAA:, md5=:" MD5_64 ":", pool));
    found = computed(&wanted);
    STG_CHECK_OK(stg_checksums_compare(&wanted, &found, pool));
    wanted.digests.hex[STG_MD5] = "d41d8cd98f00b204e9800998ecf8427e";
    STG_CHECK_FAILS(stg_checksums_compare(&wanted, &found, pool),
                    STG_E_CHECKSUM);
}

static void a_failing_sink_is_told(void)
{
    stg_probe_sink_t *probe = stg_probe_create(pool);
    stg_checksum_t *checksum = stg_checksum_create(&probe->sink, NULL, pool);

    probe->fail_after = 3;
    STG_CHECK_FAILS(stg_sink_write(stg_checksum_sink(checksum), "1234", 4),
                    STG_E_NO_SPACE);
}

static void malformed_checksums_are_refused(void)
{
    static const char *const values[] = {
        "",
        " ",
        "sha1",
        "sha1 ",
        "sha1" SHA1_64,
        "sha1  " SHA1_64,
        " sha1 " SHA1_64,
        "sha1 " SHA1_64 " ",
        "sha1\t" SHA1_64,
        "SHA1 " SHA1_64,
        "sha-1 " SHA1_64,
        "sha512 " SHA1_64,
        "crc32 " CRC32C_64,
        "foo " SHA1_64,
        "sha1 " MD5_64,
        "sha256 " SHA1_64,
        "crc32c 4waSgw",
        "crc32c 4waSgx==",
        "crc32c 4waS",
        "crc32c e3069283",
        "md5 " MD5_64 ", md5 " MD5_64,
        "md5 " MD5_64 ",",
    };
    stg_checksums_t checksums;

    for (apr_size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        STG_CHECK_FAILS(stg_checksum_parse(&checksums, values[i], pool),
                        STG_E_INVALID);
}

static void only_the_whole_checksum_is_one(void)
{
    const char *value = "sha256 " SHA256_64;
    stg_checksums_t checksums;

    for (apr_size_t count = 0; count < strlen(value); count++)
        STG_CHECK_FAILS(stg_checksum_parse(
                            &checksums, apr_pstrndup(pool, value, count), pool),
                        STG_E_INVALID);
}

void stg_checksum_suite(void)
{
    CU_pSuite suite = CU_add_suite("checksum", set_up, tear_down);

    STG_TEST(suite, crc32c_is_castagnolis);
    STG_TEST(suite, crc32c_comes_in_any_pieces);
    STG_TEST(suite, each_algorithm_agrees_with_the_same_bytes);
    STG_TEST(suite, other_bytes_are_a_mismatch);
    STG_TEST(suite, only_what_is_announced_is_computed);
    STG_TEST(suite, a_content_digest_is_compared_whole);
    STG_TEST(suite, a_failing_sink_is_told);
    STG_TEST(suite, malformed_checksums_are_refused);
    STG_TEST(suite, only_the_whole_checksum_is_one);
}
