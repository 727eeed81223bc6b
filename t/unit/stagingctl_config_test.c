/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "stagingctl_config.h"

static stg_ctl_config_t *parse(const char *text, apr_pool_t *p)
{
    stg_ctl_config_t *config = NULL;

    STG_CHECK_OK(stg_ctl_config_parse(&config, text, p));
    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    return config;
}

/* One word of one store, or NULL. */
static const char *word(const stg_ctl_config_t *config, int store, int index)
{
    const apr_array_header_t *words;

    if (store >= config->stores->nelts)
        return NULL;
    words = APR_ARRAY_IDX(config->stores, store, apr_array_header_t *);
    return index < words->nelts ? APR_ARRAY_IDX(words, index, const char *)
                                : NULL;
}

static void our_lines_are_found_among_others(void)
{
    apr_pool_t *p;
    stg_ctl_config_t *config;

    apr_pool_create(&p, NULL);
    config = parse("# DBDParams no\n"
                   "ServerName x\n"
                   "<IfModule !mod_dbd.c>\n"
                   "\tdbdparams \"host=/run dbname=a b\"  \r\n"
                   "</IfModule>\n"
                   "StagingStoreX no no\n"
                   "StagingTempDir /scratch\n"
                   "StagingStore main file:///data\n"
                   "StagingStore old s3://bucket region=eu  path-style",
                   p);
    STG_CHECK_TEXT(config->dsn, "host=/run dbname=a b");
    STG_CHECK_TEXT(config->temp_dir, "/scratch");
    CU_ASSERT_EQUAL(config->stores->nelts, 2);
    STG_CHECK_TEXT(word(config, 0, 0), "main");
    STG_CHECK_TEXT(word(config, 0, 1), "file:///data");
    STG_CHECK_TEXT(word(config, 0, 2), NULL);
    STG_CHECK_TEXT(word(config, 1, 3), "path-style");
    apr_pool_destroy(p);
}

static void empty_file_has_the_defaults(void)
{
    apr_pool_t *p;
    stg_ctl_config_t *config;

    apr_pool_create(&p, NULL);
    config = parse("", p);
    STG_CHECK_TEXT(config->dsn, NULL);
    STG_CHECK_TEXT(config->temp_dir, "/var/tmp");
    CU_ASSERT_EQUAL(config->stores->nelts, 0);
    apr_pool_destroy(p);
}

static void later_line_wins(void)
{
    apr_pool_t *p;

    apr_pool_create(&p, NULL);
    STG_CHECK_TEXT(parse("DBDParams a\nDBDParams b\n", p)->dsn, "b");
    apr_pool_destroy(p);
}

static void words_are_quoted_as_in_httpd(void)
{
    apr_pool_t *p;
    stg_ctl_config_t *config;

    apr_pool_create(&p, NULL);
    config =
        parse("StagingStore \"a \\\"b\\\" \\\\ \\n\" 'it''s' c\\\\d \"end", p);
    STG_CHECK_TEXT(word(config, 0, 0), "a \"b\" \\ \\n");
    STG_CHECK_TEXT(word(config, 0, 1), "it");
    STG_CHECK_TEXT(word(config, 0, 2), "s");
    STG_CHECK_TEXT(word(config, 0, 3), "c\\d");
    STG_CHECK_TEXT(word(config, 0, 4), "end");
    STG_CHECK_TEXT(parse("DBDParams \"\"", p)->dsn, "");
    apr_pool_destroy(p);
}

static void backslash_joins_lines(void)
{
    apr_pool_t *p;
    stg_ctl_config_t *config;

    apr_pool_create(&p, NULL);
    config = parse("StagingStore main \\\r\n  file:///\\\ndata\n"
                   "# a comment goes on too \\\nDBDParams no\n"
                   "DBDParams last\\",
                   p);
    STG_CHECK_TEXT(word(config, 0, 1), "file:///data");
    STG_CHECK_TEXT(config->dsn, "last");
    apr_pool_destroy(p);
}

static void mistake_is_told_with_its_line(void)
{
    apr_pool_t *p;
    stg_ctl_config_t *config;
    stg_error_t *err;

    apr_pool_create(&p, NULL);
    err = stg_ctl_config_parse(&config, "\nA \\\nB\nDBDParams a b\n", p);
    STG_CHECK_FAILS(err, STG_E_INVALID);
    STG_CHECK_TEXT(err ? err->cause : NULL, "line 4");
    STG_CHECK_FAILS(
        stg_ctl_config_parse(&config, "DBDParams host=${DB_HOST}", p),
        STG_E_INVALID);
    STG_CHECK_FAILS(stg_ctl_config_read(&config, "/nonexistent/x", p),
                    STG_E_NOT_FOUND);
    apr_pool_destroy(p);
}

void stg_stagingctl_config_suite(void)
{
    CU_pSuite suite = CU_add_suite("stagingctl_config", NULL, NULL);

    STG_TEST(suite, our_lines_are_found_among_others);
    STG_TEST(suite, empty_file_has_the_defaults);
    STG_TEST(suite, later_line_wins);
    STG_TEST(suite, words_are_quoted_as_in_httpd);
    STG_TEST(suite, backslash_joins_lines);
    STG_TEST(suite, mistake_is_told_with_its_line);
}
