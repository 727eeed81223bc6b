/* SPDX-License-Identifier: Apache-2.0 */
#include "base/structured.h"

#include "check.h"

#include <stdlib.h>

static int set_up(void)
{
    return 0;
}

static int tear_down(void)
{
    return 0;
}

static void sizes_are_integers(void)
{
    apr_off_t size = -1;

    CU_ASSERT(stg_structured_size(&size, "0") && size == 0);
    CU_ASSERT(stg_structured_size(&size, "5") && size == 5);
    CU_ASSERT(stg_structured_size(&size, "  42  ") && size == 42);
    CU_ASSERT(stg_structured_size(&size, "007") && size == 7);
    CU_ASSERT(stg_structured_size(&size, "999999999999999"));
    CU_ASSERT_EQUAL(size, 999999999999999);
}

static void booleans_are_marked(void)
{
    int is_true = -1;

    CU_ASSERT(stg_structured_boolean(&is_true, "?1") && is_true == 1);
    CU_ASSERT(stg_structured_boolean(&is_true, "?0") && is_true == 0);
    CU_ASSERT(stg_structured_boolean(&is_true, " ?1 ") && is_true == 1);
    CU_ASSERT(stg_structured_boolean(&is_true, "?0;because=x") && !is_true);
}

static void parameters_are_ignored(void)
{
    static const char *const values[] = {
        "5;x=1",
        "5;x",
        "5; x",
        "5;x;y;z=?0",
        "5;*a-b_c.d*9=1.5",
        "5;a=-999999999999999",
        "5;a=123456789012.123",
        "5;a=\"t\\\"e\\\\x, t;\"",
        "5;a=tok/en:*~",
        "5;a=*",
        "5;a=:aGk=:",
        "5;a=::",
        "5;a=@1659578233",
        "5;a=@-1",
        "5;a=%\"f%c3%bc\"",
        "5;a=?1;b=\"\"  ",
    };

    for (apr_size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        apr_off_t size = -1;

        if (!stg_structured_size(&size, values[i]) || size != 5)
            CU_FAIL(values[i]);
        CU_ASSERT_EQUAL(size, 5);
    }
}

static const char *const no_items[] = {
    "",
    " ",
    "-1",
    "-0",
    "+5",
    "5.0",
    "5.",
    ".5",
    "1e3",
    "0x5",
    "abc",
    "true",
    "5, 6",
    "5,",
    "5 6",
    "\t5",
    "5\t",
    "?",
    "?2",
    "?10",
    "?T",
    "? 1",
    "1?",
    "?1, ?1",
    "\"5\"",
    "(5)",
    ":NQ==:",
    "5;",
    "5 ;x",
    "5;X",
    "5;x=",
    "5;x= 1",
    "5;x =1",
    "5;1",
    "5;x=1;",
    "5;x=1.",
    "5;x=.1",
    "5;x=1.1234",
    "5;x=-",
    "5;x=?2",
    "5;x=\"a",
    "5;x=\"\\a\"",
    "5;x=\"\t\"",
    "5;x=:a",
    "5;x=:a b:",
    "5;x=@1.5",
    "5;x=@",
    "5;x=%\"%A0\"",
    "5;x=%a",
    "5;x=%\"%",
    "5;x=%\"a",
    "5;x=\"\xc3\xa4\"",
    "5;x=(1)",
    "5;x=\"\\",
    "1000000000000000",
    "0000000000000005",
    "5;x=1000000000000000",
    "5;x=1234567890123.1",
    "?1;",
    "?1;X",
};

static void anything_else_is_absent(void)
{

    for (apr_size_t i = 0; i < sizeof(no_items) / sizeof(no_items[0]); i++) {
        apr_off_t size = -1;
        int is_true = -1;

        if (stg_structured_size(&size, no_items[i]) ||
            stg_structured_boolean(&is_true, no_items[i]))
            CU_FAIL(no_items[i]);
        CU_ASSERT_EQUAL(size, -1);
        CU_ASSERT_EQUAL(is_true, -1);
    }
    CU_ASSERT_FALSE(stg_structured_size(NULL, NULL));
    CU_ASSERT_FALSE(stg_structured_boolean(NULL, NULL));
    CU_ASSERT_FALSE(stg_structured_size(NULL, "?1"));
    CU_ASSERT_FALSE(stg_structured_boolean(NULL, "1"));
}

static void nothing_behind_the_end_is_read(void)
{
    const char *value =
        "5;a=\"t\\\"\";b=%\"%c3%bc\";c=:aGk=:;d=?1;e=@12;f=-1.5;g=x;h";

    for (apr_size_t count = 0; count <= strlen(value); count++) {
        char *copy = strndup(value, count); /* valgrind and ASan look */
        apr_off_t size = 5;

        stg_structured_size(&size, copy);
        CU_ASSERT_EQUAL(size, 5);
        free(copy);
    }
}

void stg_structured_suite(void)
{
    CU_pSuite suite = CU_add_suite("structured", set_up, tear_down);

    STG_TEST(suite, sizes_are_integers);
    STG_TEST(suite, booleans_are_marked);
    STG_TEST(suite, parameters_are_ignored);
    STG_TEST(suite, anything_else_is_absent);
    STG_TEST(suite, nothing_behind_the_end_is_read);
}
