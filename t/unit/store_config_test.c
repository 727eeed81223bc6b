/* SPDX-License-Identifier: Apache-2.0 */
/* Stores by name and URL, and the keys of objects. */
#include "check.h"

#include "store/store.h"

#include <apr_strings.h>

static apr_pool_t *p;

static int set_up(void)
{
    return apr_pool_create(&p, NULL) != APR_SUCCESS;
}

static int tear_down(void)
{
    apr_pool_destroy(p);
    return 0;
}

enum { MOST_WORDS = 6 };

/* The words of a line, by blanks. */
static stg_error_t *parse(stg_store_config_t **config, const char *line)
{
    const char *words[MOST_WORDS];
    char *state = NULL;
    int count = 0;

    for (char *word = apr_strtok(apr_pstrdup(p, line), " ", &state);
         word && count < MOST_WORDS; word = apr_strtok(NULL, " ", &state))
        words[count++] = word;
    return stg_store_config_parse(config, words, count, p);
}

static stg_error_t *parse_and_open(stg_store_t **store, const char *line)
{
    stg_store_config_t *config;

    STG_TRY(parse(&config, line));
    return stg_store_open(store, config, p);
}

static void name_url_and_options_are_read(void)
{
    stg_store_config_t *config = NULL;

    STG_CHECK_OK(
        parse(&config, "main file:///srv/x reserve=1G note=a=b none="));
    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    STG_CHECK_TEXT(config->name, "main");
    STG_CHECK_TEXT(config->url, "file:///srv/x");
    STG_CHECK_TEXT(apr_table_get(config->options, "reserve"), "1G");
    STG_CHECK_TEXT(apr_table_get(config->options, "note"), "a=b");
    STG_CHECK_TEXT(apr_table_get(config->options, "none"), "");
}

static void malformed_lines_are_refused(void)
{
    static const char *const lines[] = {"",
                                        "main",
                                        "ma/in memory:",
                                        "main memory",
                                        "main ftp://host/x",
                                        "main /srv/x",
                                        "main memory: reserve",
                                        "main memory: =1",
                                        "main memory: a=1 a=2"};
    stg_store_config_t *config;

    for (unsigned int i = 0; i < sizeof(lines) / sizeof(*lines); i++)
        STG_CHECK_FAILS(parse(&config, lines[i]), STG_E_INVALID);
}

static void drivers_refuse_what_they_do_not_know(void)
{
    static const char *const lines[] = {"main memory: reserve=1G",
                                        "main memory: part_size=big",
                                        "main memory:elsewhere",
                                        "main file:relative",
                                        "main file://host/srv/x",
                                        "main file:///",
                                        "main file:///%00",
                                        "main file:///nowhere/at/all/x",
                                        "main file:///tmp/x part_size=1",
                                        "main file:///tmp/x reserve=-1"};
    stg_store_t *store;

    for (unsigned int i = 0; i < sizeof(lines) / sizeof(*lines); i++)
        STG_CHECK_FAILS(parse_and_open(&store, lines[i]), STG_E_INVALID);
}

static void stores_are_found_by_name(void)
{
    stg_store_t *list[2] = {NULL};
    stg_stores_t stores = {.list = list, .count = 2};

    STG_CHECK_OK(parse_and_open(&list[0], "one memory:"));
    STG_CHECK_OK(parse_and_open(&list[1], "two memory: part_size=5M"));
    CU_ASSERT_PTR_EQUAL(stg_stores_find(&stores, "one"), list[0]);
    CU_ASSERT_PTR_EQUAL(stg_stores_find(&stores, "two"), list[1]);
    CU_ASSERT_PTR_NULL(stg_stores_find(&stores, "three"));
}

static void a_key_tells_its_id(void)
{
    const char *id = "0b345678-1234-4234-8234-123456789abc";
    const char *key = stg_store_key(id, p);

    STG_CHECK_TEXT(key, "0b/0b345678-1234-4234-8234-123456789abc");
    STG_CHECK_TEXT(stg_store_key_id(key, p), id);
    STG_CHECK_OK(stg_store_key_check(key, p));
}

static void foreign_keys_have_no_id(void)
{
    static const char *const keys[] = {
        "",
        "0b",
        "0b/",
        "0b/x",
        "0b345678-1234-4234-8234-123456789abc",
        "0c/0b345678-1234-4234-8234-123456789abc",
        "0b/0b345678-1234-4234-8234-123456789abC",
        "0b/0b345678-1234-4234-8234-123456789abc ",
        "x/0b/0b345678-1234-4234-8234-123456789abc"};

    for (unsigned int i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        CU_ASSERT_PTR_NULL(stg_store_key_id(keys[i], p));
        STG_CHECK_FAILS(stg_store_key_check(keys[i], p), STG_E_INTERNAL);
    }
}

void stg_store_config_suite(void)
{
    CU_pSuite suite = CU_add_suite("store_config", set_up, tear_down);

    STG_TEST(suite, name_url_and_options_are_read);
    STG_TEST(suite, malformed_lines_are_refused);
    STG_TEST(suite, drivers_refuse_what_they_do_not_know);
    STG_TEST(suite, stores_are_found_by_name);
    STG_TEST(suite, a_key_tells_its_id);
    STG_TEST(suite, foreign_keys_have_no_id);
}
