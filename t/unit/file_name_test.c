/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/file_name.h"
#include "base/text.h"

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

static void check_name(const char *text, const char *expected)
{
    STG_CHECK_TEXT(stg_file_name(text, pool), expected);
}

static void check_path(const char *text, const char *expected)
{
    STG_CHECK_TEXT(stg_file_path(text, pool), expected);
}

static void the_last_component_is_the_name(void)
{
    check_name("a.txt", "a.txt");
    check_name("/etc/passwd", "passwd");
    check_name("C:\\Users\\x\\b.txt", "b.txt");
    check_name("a/b\\c", "c");
    check_name("a/b\\", NULL);
    check_name("../../x", "x");
}

static void what_is_not_shown_is_dropped(void)
{
    check_name("a\r\nb\tc\x7f"
               "d\x1b",
               "abcd");
    check_name("a\xc2\x80\xc2\x9f"
               "b\xc2\xa0"
               "c",
               "ab\xc2\xa0"
               "c");
    check_name("\xe2\x80\xaegpj.exe\xe2\x80\xac", "gpj.exe");
    check_name("a\xe2\x80\xa9"
               "b\xe2\x80\xaf",
               "a\xe2\x80\xa9"
               "b\xe2\x80\xaf");
    check_name("\xe2\x81\xa6x\xe2\x81\xa9\xe2\x81\xa5", "x\xe2\x81\xa5");
    check_name("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
               "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
}

static void dots_and_spaces_around_are_dropped(void)
{
    check_name(" .. a b. txt. . ", "a b. txt");
    check_name(".bashrc", "bashrc");
    check_name(". .\x01.", NULL);
    check_name("..", NULL);
    check_name("", NULL);
    check_name("\n", NULL);
}

static void long_names_are_cut_at_a_character(void)
{
    char text[STG_FILE_NAME_MOST + 10];
    const char *name;

    for (apr_size_t before = 250; before <= STG_FILE_NAME_MOST; before++) {
        memset(text, 'a', before);
        strcpy(text + before, "\xf0\x9f\x98\x80.b");
        name = stg_file_name(text, pool);
        CU_ASSERT(strlen(name) <= STG_FILE_NAME_MOST);
        CU_ASSERT(stg_utf8_is_valid(name, strlen(name), NULL));
        /* 4 bytes that fit or do not, and a dot that may not end it. */
        CU_ASSERT_EQUAL(strlen(name), before <= 251 ? before + 4 : before);
    }
    memset(text, 'a', 250);
    strcpy(text + 250, " .  .xyz");
    CU_ASSERT_EQUAL(strlen(stg_file_name(text, pool)), 250);
}

static void one_name_has_one_spelling(void)
{
    /* a and U+0308, as macOS has it; o, dot below, circumflex in any order */
    check_name("a\xcc\x88.txt", "\xc3\xa4.txt");
    check_name("\xc3\xa4.txt", "\xc3\xa4.txt");
    check_name("o\xcc\x82\xcc\xa3", "\xe1\xbb\x99");
    check_name("o\xcc\xa3\xcc\x82", "\xe1\xbb\x99");
    /* Hangul; the sign of Angstrom; fi as one letter is another name */
    check_name("\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xed\x95\x9c");
    check_name("\xe2\x84\xab", "\xc3\x85");
    check_name("\xef\xac\x81", "\xef\xac\x81");
    /* what is dropped may stand between a letter and its mark */
    check_name("a\xe2\x80\xae\xcc\x88", "\xc3\xa4");
    check_path("a\xcc\x88/o\xcc\x88", "\xc3\xa4/\xc3\xb6");
}

static void names_are_cut_as_they_are_kept(void)
{
    char text[4 * STG_FILE_NAME_MOST] = "";
    const char *name;

    /* 3 bytes each that become 2: 127 of them fit */
    for (int i = 0; i < 200; i++)
        strcat(text, "a\xcc\x88");
    name = stg_file_name(text, pool);
    CU_ASSERT_EQUAL(strlen(name), 254);
    CU_ASSERT(stg_utf8_is_valid(name, strlen(name), NULL));
    STG_CHECK_TEXT(name + 252, "\xc3\xa4");
    /* and 3 that become 6: two letters that have no composed form */
    memset(text, 'b', 252);
    strcpy(text + 252, "\xe0\xa5\x98");
    name = stg_file_name(text, pool);
    CU_ASSERT_EQUAL(strlen(name), 255);
    CU_ASSERT(stg_utf8_is_valid(name, strlen(name), NULL));
    STG_CHECK_TEXT(name + 252, "\xe0\xa4\x95");
}

static void paths_are_cleaned_by_component(void)
{
    check_path("a/b/c.txt", "a/b/c.txt");
    check_path("a\\b\\c.txt", "a/b/c.txt");
    check_path("./a//b/./c", "a/b/c");
    check_path("a\n/ b ./.c", "a/b/c");
    check_path("c.txt", "c.txt");
    check_path("a/C:/b", NULL);
}

static void paths_that_lead_elsewhere_are_refused(void)
{
    check_path("/a", NULL);
    check_path("\\a", NULL);
    check_path("C:\\a", NULL);
    check_path("c:a", NULL);
    check_path("\x01"
               "c:a",
               NULL);
    check_path("..", NULL);
    check_path("a/../b", NULL);
    check_path("a\\..\\b", NULL);
    check_path("a/.\xe2\x80\xae./b", NULL);
    check_path("a/.. /b", NULL);
    check_path("a/\x01/b", NULL);
    check_path("", NULL);
    check_path(".", NULL);
}

void stg_file_name_suite(void)
{
    CU_pSuite suite = CU_add_suite("file_name", set_up, tear_down);

    STG_TEST(suite, the_last_component_is_the_name);
    STG_TEST(suite, what_is_not_shown_is_dropped);
    STG_TEST(suite, dots_and_spaces_around_are_dropped);
    STG_TEST(suite, long_names_are_cut_at_a_character);
    STG_TEST(suite, one_name_has_one_spelling);
    STG_TEST(suite, names_are_cut_as_they_are_kept);
    STG_TEST(suite, paths_are_cleaned_by_component);
    STG_TEST(suite, paths_that_lead_elsewhere_are_refused);
}
