/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/range.h"

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

static const struct {
    const char *value;
    apr_off_t size;
    stg_range_t range;
    apr_off_t first;
    apr_off_t count;
} cases[] = {
    {"bytes=0-9", 100, STG_RANGE_PART, 0, 10},
    {"bytes=90-", 100, STG_RANGE_PART, 90, 10},
    {"bytes=90-1000", 100, STG_RANGE_PART, 90, 10},
    {"bytes=-10", 100, STG_RANGE_PART, 90, 10},
    {"bytes=-1000", 100, STG_RANGE_PART, 0, 100},
    {"BYTES=99-99", 100, STG_RANGE_PART, 99, 1},
    {"bytes=0-9223372036854775807", 100, STG_RANGE_PART, 0, 100},
    {"bytes=100-", 100, STG_RANGE_BEYOND, 0, 0},
    {"bytes=-0", 100, STG_RANGE_BEYOND, 0, 0},
    {"bytes=0-", 0, STG_RANGE_BEYOND, 0, 0},
    {"bytes=-5", 0, STG_RANGE_BEYOND, 0, 0},
    {"bytes=5-4", 100, STG_RANGE_NONE, 0, 0},
    {"bytes=0-1,5-6", 100, STG_RANGE_NONE, 0, 0},
    {"bytes=0-9223372036854775808", 100, STG_RANGE_NONE, 0, 0},
    {"bytes=--1", 100, STG_RANGE_NONE, 0, 0},
    {"bytes=", 100, STG_RANGE_NONE, 0, 0},
    {"bytes=-", 100, STG_RANGE_NONE, 0, 0},
    {"bytes= 1-2", 100, STG_RANGE_NONE, 0, 0},
    {"lines=1-2", 100, STG_RANGE_NONE, 0, 0},
    {"", 100, STG_RANGE_NONE, 0, 0},
    {NULL, 100, STG_RANGE_NONE, 0, 0},
};

static void one_range_is_cut_to_what_is_there(void)
{
    for (apr_size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        apr_off_t first = 0, count = 0;

        CU_ASSERT_EQUAL(stg_range_parse(&first, &count, cases[i].value,
                                        cases[i].size, pool),
                        cases[i].range);
        CU_ASSERT_EQUAL(first, cases[i].first);
        CU_ASSERT_EQUAL(count, cases[i].count);
    }
}

static void a_range_counts_for_what_the_client_has(void)
{
    static const char *const others[] = {
        "", "\"b\"", "W/\"a\"", "a", "*", "Thu, 01 Jan 2026 00:00:00 GMT"};

    STG_CHECK_TEXT(stg_range_if("bytes=0-1", NULL, "\"a\""), "bytes=0-1");
    STG_CHECK_TEXT(stg_range_if("bytes=0-1", "\"a\"", "\"a\""), "bytes=0-1");
    for (unsigned int i = 0; i < sizeof(others) / sizeof(*others); i++)
        CU_ASSERT_PTR_NULL(stg_range_if("bytes=0-1", others[i], "\"a\""));
}

void stg_range_suite(void)
{
    CU_pSuite suite = CU_add_suite("range", set_up, tear_down);

    STG_TEST(suite, one_range_is_cut_to_what_is_there);
    STG_TEST(suite, a_range_counts_for_what_the_client_has);
}
