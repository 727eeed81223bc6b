/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/upload_metadata.h"
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

static stg_upload_metadata_t parse(const char *value)
{
    stg_upload_metadata_t metadata = {.raw = NULL, .count = -1};

    STG_CHECK_OK(stg_upload_metadata_parse(&metadata, value, pool));
    return metadata;
}

/* key and the base64 of text. */
static const char *pair(const char *key, const char *text)
{
    return apr_pstrcat(
        pool, key, " ",
        stg_base64((const unsigned char *)text, strlen(text), pool), NULL);
}

static const char *file_name(const char *value)
{
    stg_upload_metadata_t metadata = parse(value);

    return stg_upload_metadata_file_name(&metadata, pool);
}

static const char *content_type(const char *value)
{
    stg_upload_metadata_t metadata = parse(value);

    return stg_upload_metadata_content_type(&metadata, pool);
}

static const char *path(const char *value)
{
    stg_upload_metadata_t metadata = parse(value);

    return stg_upload_metadata_path(&metadata, pool);
}

static void pairs_are_read_and_the_text_is_kept(void)
{
    stg_upload_metadata_t metadata =
        parse("filename d29ybGQucGRm , empty,\tflag ,bin /w== \t");

    STG_CHECK_TEXT(metadata.raw,
                   "filename d29ybGQucGRm , empty,\tflag ,bin /w==");
    CU_ASSERT_EQUAL_FATAL(metadata.count, 4);
    STG_CHECK_TEXT(metadata.pairs[0].key, "filename");
    STG_CHECK_TEXT(metadata.pairs[0].value, "world.pdf");
    CU_ASSERT_EQUAL(metadata.pairs[0].count, 9);
    STG_CHECK_TEXT(metadata.pairs[1].key, "empty");
    CU_ASSERT_EQUAL(metadata.pairs[1].count, 0);
    STG_CHECK_TEXT(metadata.pairs[2].key, "flag");
    STG_CHECK_TEXT(metadata.pairs[2].value, "");
    STG_CHECK_TEXT(metadata.pairs[3].value, "\xff");
    STG_CHECK_TEXT(stg_upload_metadata_text(&metadata, "filename"),
                   "world.pdf");
    STG_CHECK_TEXT(stg_upload_metadata_text(&metadata, "flag"), "");
    STG_CHECK_TEXT(stg_upload_metadata_text(&metadata, "Filename"), NULL);
}

static void an_empty_field_is_no_metadata(void)
{
    static const char *const values[] = {NULL, "", " ", " \t "};

    for (apr_size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        stg_upload_metadata_t metadata = parse(values[i]);

        CU_ASSERT_PTR_NULL(metadata.raw);
        CU_ASSERT_EQUAL(metadata.count, 0);
        CU_ASSERT_PTR_NULL(stg_upload_metadata_file_name(&metadata, pool));
        CU_ASSERT_PTR_NULL(stg_upload_metadata_path(&metadata, pool));
        CU_ASSERT_PTR_NULL(stg_upload_metadata_content_type(&metadata, pool));
    }
}

static void malformed_metadata_is_refused(void)
{
    static const char *const values[] = {
        ",",        "a YQ==,", ",a YQ==",    "a YQ==,,b",     "a YQ==, ,b",
        "a YQ",     "a YQ=",   "a YR==",     "a Y Q==",       "a  YQ==",
        "a YQ== b", "a\tYQ==", "a YQ==\n",   "a\r\nb",        "a YQ-_",
        "a YQ==;b", "a,a",     "a YQ==,b,a", "\xc3\xa4 YQ==", "a\x7f YQ==",
        "\x01",     "a !",
    };
    stg_upload_metadata_t metadata;

    for (apr_size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        STG_CHECK_FAILS(stg_upload_metadata_parse(&metadata, values[i], pool),
                        STG_E_INVALID);
}

static char *repeated(char c, apr_size_t count)
{
    char *text = apr_palloc(pool, count + 1);

    memset(text, c, count);
    text[count] = '\0';
    return text;
}

static void limits_are_kept(void)
{
    const char *key = repeated('k', STG_UPLOAD_METADATA_KEY);
    stg_upload_metadata_t metadata;
    const char *value = "k0";

    STG_CHECK_OK(stg_upload_metadata_parse(&metadata, key, pool));
    STG_CHECK_FAILS(stg_upload_metadata_parse(
                        &metadata, apr_pstrcat(pool, key, "k", NULL), pool),
                    STG_E_INVALID);
    for (int i = 1; i < STG_UPLOAD_METADATA_PAIRS; i++)
        value = apr_psprintf(pool, "%s,k%d", value, i);
    STG_CHECK_OK(stg_upload_metadata_parse(&metadata, value, pool));
    CU_ASSERT_EQUAL(metadata.count, STG_UPLOAD_METADATA_PAIRS);
    STG_CHECK_FAILS(stg_upload_metadata_parse(
                        &metadata, apr_pstrcat(pool, value, ",k", NULL), pool),
                    STG_E_INVALID);
    value = apr_pstrcat(pool, "abc ",
                        repeated('A', STG_UPLOAD_METADATA_MOST - 4), NULL);
    STG_CHECK_OK(stg_upload_metadata_parse(&metadata, value, pool));
    value = apr_pstrcat(pool, "a", value, NULL);
    STG_CHECK_FAILS(stg_upload_metadata_parse(&metadata, value, pool),
                    STG_E_INVALID);
}

static void every_beginning_is_read_or_refused(void)
{
    const char *value = "filename d29ybGQucGRm, empty,flag ,bin /w==";

    for (apr_size_t count = 0; count <= strlen(value); count++) {
        stg_upload_metadata_t metadata;
        stg_error_t *err = stg_upload_metadata_parse(
            &metadata, apr_pstrndup(pool, value, count), pool);

        CU_ASSERT(!err || err->code == STG_E_INVALID);
    }
}

static void only_utf8_is_text(void)
{
    stg_upload_metadata_t metadata =
        parse("filename YQBi,name w6Q=,label /w==");

    STG_CHECK_TEXT(stg_upload_metadata_text(&metadata, "filename"), NULL);
    STG_CHECK_TEXT(stg_upload_metadata_text(&metadata, "name"), "\xc3\xa4");
    STG_CHECK_TEXT(stg_upload_metadata_text(&metadata, "label"), NULL);
    STG_CHECK_TEXT(stg_upload_metadata_file_name(&metadata, pool), "\xc3\xa4");
}

static void names_of_files_are_cleaned(void)
{
    STG_CHECK_TEXT(file_name(pair("filename", "/x/\r\nSet-Cookie: a\"b")),
                   "Set-Cookie: a\"b");
    STG_CHECK_TEXT(file_name(apr_pstrcat(pool, pair("name", "n"), ",",
                                         pair("filename", "f"), NULL)),
                   "f");
    STG_CHECK_TEXT(file_name("filename,name bg=="), "n");
    STG_CHECK_TEXT(file_name(pair("filename", "..")), NULL);
    STG_CHECK_TEXT(path(pair("relativePath", "a/b\\c")), "a/b/c");
    STG_CHECK_TEXT(path(pair("relativePath", "null")), NULL);
    STG_CHECK_TEXT(path(pair("relativePath", "a/../b")), NULL);
}

static void a_media_type_is_one_or_unknown(void)
{
    STG_CHECK_TEXT(content_type(pair("filetype", "text/plain")), "text/plain");
    STG_CHECK_TEXT(content_type(pair("type", "text/plain; charset=\"x y\"")),
                   "text/plain; charset=\"x y\"");
    STG_CHECK_TEXT(content_type("filetype ,type aW1hZ2UvcG5n"), "image/png");
    STG_CHECK_TEXT(content_type(pair("filetype", "text")),
                   "application/octet-stream");
    STG_CHECK_TEXT(content_type(pair("filetype", "text/html\r\nX: y")),
                   "application/octet-stream");
    STG_CHECK_TEXT(content_type(pair("filetype", "text/a;b=\"\n\"")),
                   "application/octet-stream");
    STG_CHECK_TEXT(content_type(pair("filetype", "a/b, c/d")),
                   "application/octet-stream");
    STG_CHECK_TEXT(
        content_type(pair("filetype",
                          apr_pstrcat(pool, "a/", repeated('b', 254), NULL))),
        "application/octet-stream");
}

void stg_upload_metadata_suite(void)
{
    CU_pSuite suite = CU_add_suite("upload_metadata", set_up, tear_down);

    STG_TEST(suite, pairs_are_read_and_the_text_is_kept);
    STG_TEST(suite, an_empty_field_is_no_metadata);
    STG_TEST(suite, malformed_metadata_is_refused);
    STG_TEST(suite, limits_are_kept);
    STG_TEST(suite, every_beginning_is_read_or_refused);
    STG_TEST(suite, only_utf8_is_text);
    STG_TEST(suite, names_of_files_are_cleaned);
    STG_TEST(suite, a_media_type_is_one_or_unknown);
}
