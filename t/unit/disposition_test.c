/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/disposition.h"

#include "check.h"

#include <apr_strings.h>

#include <stdlib.h>

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

static void check(const char *value, const char *type, const char *name,
                  const char *filename)
{
    stg_disposition_t found = {NULL, NULL, NULL};

    STG_CHECK_OK(stg_disposition_parse(&found, value, pool));
    STG_CHECK_TEXT(found.type, type);
    STG_CHECK_TEXT(found.name, name);
    STG_CHECK_TEXT(found.filename, filename);
}

static void refuses(const char *value)
{
    stg_disposition_t found;

    STG_CHECK_FAILS(stg_disposition_parse(&found, value, pool), STG_E_INVALID);
}

static void parameters_are_read(void)
{
    check("form-data; name=\"a\"; filename=\"b c.txt\"", "form-data", "a",
          "b c.txt");
    check(" Attachment ;FileName=x.csv ; x=y;", "attachment", NULL, "x.csv");
    check("attachment", "attachment", NULL, NULL);
    check("form-data; name=\"\"; filename=\"\"", "form-data", "", "");
    check("form-data;; name = a", "form-data", "a", NULL);
}

static void names_are_kept_as_data(void)
{
    check("form-data; name=a; filename=\"../../etc/x;y=\x01\xc3\xa9\"",
          "form-data", "a", "../../etc/x;y=\x01\xc3\xa9");
}

static void backslashes_escape_only_quotes_and_themselves(void)
{
    check("form-data; name=a; filename=\"a\\\"b\\\\c\\d\"", "form-data", "a",
          "a\"b\\c\\d");
}

static void the_three_escapes_of_browsers_are_undone_in_form_data(void)
{
    check("form-data; name=\"%22%0d%0A\"; filename=\"100%25%2%\"", "form-data",
          "\"\r\n", "100%25%2%");
    check("attachment; filename=\"%22\"", "attachment", NULL, "%22");
}

static void the_extended_filename_wins(void)
{
    check("attachment; filename=\"x\"; filename*=UTF-8''%e2%82%ac%20r",
          "attachment", NULL, "\xe2\x82\xac r");
    check("attachment; filename*=utf-8'de'%22; filename=x", "attachment", NULL,
          "\"");
    refuses("attachment; filename=x; filename*=iso-8859-1''%e9");
    refuses("attachment; filename*=UTF-8''%e9");
    refuses("attachment; filename*=UTF-8''%00");
    refuses("attachment; filename*=UTF-8''%2");
    refuses("attachment; filename*=UTF-8'x");
}

static void malformed_values_are_refused(void)
{
    static const char *const values[] = {
        "",
        ";",
        "a b",
        "form-data; name",
        "form-data; name=",
        "form-data; name=\"a",
        "form-data; name=\"a\\\"",
        "form-data; name=\"a\"b",
        "form-data; name=\"a\" filename=b",
        "form-data, name=a",
        "form-data; =a",
        "form-data; name=a; name=b",
        "form-data; name=a; filename=b; Filename=b",
        "form-data; name=\"\xff\"",
        "form-data; name=\xc3\xa9",
    };

    for (apr_size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        refuses(values[i]);
}

static void every_beginning_is_parsed_or_refused(void)
{
    const char *value = "form-data; name=\"a\\\"%22\"; filename*=UTF-8''%e9;";
    stg_disposition_t found;
    stg_error_t *err;

    for (apr_size_t count = 0; count <= strlen(value); count++) {
        char *copy = strndup(value, count);

        err = stg_disposition_parse(&found, copy, pool);
        CU_ASSERT(!err || err->code == STG_E_INVALID);
        free(copy);
    }
}

static void long_names_are_refused(void)
{
    char *name = apr_pcalloc(pool, STG_DISPOSITION_MAX_NAME + 2);

    memset(name, 'x', STG_DISPOSITION_MAX_NAME);
    check(apr_pstrcat(pool, "form-data; name=", name, NULL), "form-data", name,
          NULL);
    name[STG_DISPOSITION_MAX_NAME] = 'x';
    refuses(apr_pstrcat(pool, "form-data; name=a; filename=", name, NULL));
}

static void downloads_are_named_safely(void)
{
    STG_CHECK_TEXT(stg_disposition("a b.csv", pool),
                   "attachment; filename=\"a b.csv\"; "
                   "filename*=UTF-8''a%20b.csv");
    STG_CHECK_TEXT(stg_disposition("\xe2\x82\xac\"\\%/\r\n\x7f", pool),
                   "attachment; filename=\"________\"; "
                   "filename*=UTF-8''%E2%82%AC%22%5C%25%2F%0D%0A%7F");
}

static void what_is_produced_is_read_back(void)
{
    const char *name = "a'(b)*\";=%22\\\xf0\x9f\x98\x80\r\n..";

    check(stg_disposition(name, pool), "attachment", NULL, name);
}

void stg_disposition_suite(void)
{
    CU_pSuite suite = CU_add_suite("disposition", set_up, tear_down);

    STG_TEST(suite, parameters_are_read);
    STG_TEST(suite, names_are_kept_as_data);
    STG_TEST(suite, backslashes_escape_only_quotes_and_themselves);
    STG_TEST(suite, the_three_escapes_of_browsers_are_undone_in_form_data);
    STG_TEST(suite, the_extended_filename_wins);
    STG_TEST(suite, malformed_values_are_refused);
    STG_TEST(suite, every_beginning_is_parsed_or_refused);
    STG_TEST(suite, long_names_are_refused);
    STG_TEST(suite, downloads_are_named_safely);
    STG_TEST(suite, what_is_produced_is_read_back);
}
