/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/upload_concat.h"

#include "check.h"

#include <apr_strings.h>

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

/* The paths with "|" between. */
static const char *paths_of(const char *value)
{
    stg_upload_concat_t concat = {.is_final = -1};

    STG_CHECK_OK(stg_upload_concat_parse(&concat, value, pool));
    CU_ASSERT_EQUAL(concat.is_final, 1);
    return apr_array_pstrcat(pool, concat.paths, '|');
}

static void partials_are_named(void)
{
    stg_upload_concat_t concat = {.is_final = -1};

    STG_CHECK_OK(stg_upload_concat_parse(&concat, "partial", pool));
    CU_ASSERT_EQUAL(concat.is_final, 0);
    CU_ASSERT_EQUAL(concat.paths->nelts, 0);
}

static void the_path_of_each_url_counts(void)
{
    STG_CHECK_TEXT(paths_of("final;/files/a /files/b"), "/files/a|/files/b");
    STG_CHECK_TEXT(paths_of("final;/files/a /files/a"), "/files/a|/files/a");
    STG_CHECK_TEXT(paths_of("final;https://u@h.example:8443/x/a?t=1#f"),
                   "/x/a");
    STG_CHECK_TEXT(paths_of("final;HTTP://h/a http://h//b"), "/a|//b");
    STG_CHECK_TEXT(paths_of("final;//h/a /a?b=/c"), "/a|/a");
    STG_CHECK_TEXT(paths_of("final;a ./b ?c"), "a|./b|");
    STG_CHECK_TEXT(paths_of("final;http://h http://h?x/y"), "|");
    STG_CHECK_TEXT(paths_of("final; /a  /b "), "/a|/b");
}

static void anything_else_is_refused(void)
{
    static const char *const values[] = {
        "",         "final",    "final;",          "final; ",
        "Partial",  "partial;", "partial ",        "partial;/a",
        "FINAL;/a", "final /a", "final;/a\t/b",    "final;/a\n/b",
        "final:/a", " partial", "final;/\xc3\xa4", "final;/a\x7f",
    };
    stg_upload_concat_t concat;

    for (apr_size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        STG_CHECK_FAILS(stg_upload_concat_parse(&concat, values[i], pool),
                        STG_E_INVALID);
}

void stg_upload_concat_suite(void)
{
    CU_pSuite suite = CU_add_suite("upload_concat", set_up, tear_down);

    STG_TEST(suite, partials_are_named);
    STG_TEST(suite, the_path_of_each_url_counts);
    STG_TEST(suite, anything_else_is_refused);
}
