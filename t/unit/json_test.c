/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

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

static stg_error_t *parse(json_t **value, const char *text)
{
    return stg_json_parse(value, text, strlen(text), 1000, pool);
}

static void documents_come_out_as_they_went_in(void)
{
    static const char *const documents[] = {
        "{\"b\":[1,2.5,null,true],\"a\":\"\xc3\xa9\\n\"}",
        "[]",
        "\"x\"",
        "null",
    };
    json_t *value;

    for (int i = 0; i < 4; i++) {
        STG_CHECK_OK(parse(&value, documents[i]));
        STG_CHECK_TEXT(stg_json_dump(value, pool), documents[i]);
    }
}

static void malformed_documents_are_refused(void)
{
    static const char *const documents[] = {
        "",         "{",           "{\"a\":1,\"a\":2}", "[1] 2",
        "\"\xff\"", "[1,]",        "{\"a\\u0000\":1}",  "'a'",
        "NaN",      "\"\\u0000\"",
    };
    json_t *value;

    for (int i = 0; i < 10; i++)
        STG_CHECK_FAILS(parse(&value, documents[i]), STG_E_INVALID);
}

static void size_and_depth_are_capped(void)
{
    char text[2 * STG_JSON_MAX_DEPTH + 8];
    json_t *value;

    STG_CHECK_OK(stg_json_parse(&value, "[1]", 3, 3, pool));
    STG_CHECK_FAILS(stg_json_parse(&value, "[10]", 4, 3, pool),
                    STG_E_TOO_LARGE);
    memset(text, '[', STG_JSON_MAX_DEPTH);
    strcpy(text + STG_JSON_MAX_DEPTH, "\"[\\\"[\"");
    memset(text + STG_JSON_MAX_DEPTH + 6, ']', STG_JSON_MAX_DEPTH);
    STG_CHECK_OK(
        stg_json_parse(&value, text, 2 * STG_JSON_MAX_DEPTH + 6, 999, pool));
    memset(text, '[', sizeof(text));
    STG_CHECK_FAILS(
        stg_json_parse(&value, text, STG_JSON_MAX_DEPTH + 1, 999, pool),
        STG_E_INVALID);
}

static void fields_are_read_by_type(void)
{
    stg_fields_t *fields;
    json_t *value;
    apr_int64_t number = 0;
    int flag = 0;

    STG_CHECK_OK(parse(&value, "{\"t\":\"x\",\"n\":-5,\"f\":true,\"o\":{},"
                               "\"a\":[],\"z\":null}"));
    fields = stg_fields_open(value, pool);
    STG_CHECK_TEXT(stg_fields_text(fields, "t", STG_REQUIRED), "x");
    CU_ASSERT(stg_fields_int(&number, fields, "n", STG_REQUIRED));
    CU_ASSERT_EQUAL(number, -5);
    CU_ASSERT(stg_fields_bool(&flag, fields, "f", STG_REQUIRED));
    CU_ASSERT(flag);
    CU_ASSERT_PTR_NOT_NULL(stg_fields_object(fields, "o", STG_REQUIRED));
    CU_ASSERT_PTR_NOT_NULL(stg_fields_array(fields, "a", STG_REQUIRED));
    STG_CHECK_TEXT(stg_fields_text(fields, "z", STG_OPTIONAL), NULL);
    STG_CHECK_TEXT(stg_fields_text(fields, "y", STG_OPTIONAL), NULL);
    STG_CHECK_OK(stg_fields_check(fields, pool));
}

static void all_problems_are_reported_at_once(void)
{
    stg_fields_t *fields;
    json_t *value;
    apr_int64_t number = 7;
    stg_error_t *err;

    STG_CHECK_OK(parse(&value, "{\"t\":1,\"n\":1.5,\"z\":null}"));
    fields = stg_fields_open(value, pool);
    CU_ASSERT_PTR_NULL(stg_fields_text(fields, "t", STG_OPTIONAL));
    CU_ASSERT_FALSE(stg_fields_int(&number, fields, "n", STG_REQUIRED));
    CU_ASSERT_EQUAL(number, 7);
    CU_ASSERT_PTR_NULL(stg_fields_text(fields, "z", STG_REQUIRED));
    err = stg_fields_check(fields, pool);
    STG_CHECK_FAILS(err, STG_E_INVALID);
    STG_CHECK_TEXT(err->message, "t is not a string");
    CU_ASSERT_EQUAL_FATAL(err->problems->nelts, 3);
    STG_CHECK_TEXT(APR_ARRAY_IDX(err->problems, 2, stg_problem_t).message,
                   "is missing");
}

static void a_body_that_is_no_object_is_one_problem(void)
{
    stg_fields_t *fields;
    stg_error_t *err;
    json_t *value;

    STG_CHECK_OK(parse(&value, "[]"));
    fields = stg_fields_open(value, pool);
    CU_ASSERT_PTR_NULL(stg_fields_text(fields, "t", STG_REQUIRED));
    err = stg_fields_check(fields, pool);
    STG_CHECK_FAILS(err, STG_E_INVALID);
    CU_ASSERT_EQUAL(err->problems->nelts, 1);
}

static void answers_are_built_in_order(void)
{
    json_t *object = stg_json_object(pool);

    stg_json_put_text(object, "b", "x\"");
    stg_json_put_text(object, "a", NULL);
    stg_json_put_text(object, "c", "\xff");
    stg_json_put_int(object, "n", APR_INT64_MAX);
    stg_json_put_bool(object, "f", 2);
    stg_json_put_time(object, "t", apr_time_from_sec(1000000000), pool);
    stg_json_put_time(object, "u", 0, pool);
    STG_CHECK_TEXT(stg_json_dump(object, pool),
                   "{\"b\":\"x\\\"\",\"a\":null,\"c\":null,"
                   "\"n\":9223372036854775807,\"f\":true,"
                   "\"t\":\"2001-09-09T01:46:40Z\",\"u\":null}");
}

static void a_long_answer_is_whole(void)
{
    enum { LENGTH = 5000 };
    json_t *object = stg_json_object(pool);
    char *value = apr_palloc(pool, LENGTH + 1);
    const char *text;

    memset(value, 'x', LENGTH);
    value[LENGTH] = '\0';
    stg_json_put_text(object, "a", value);
    text = stg_json_dump(object, pool);
    CU_ASSERT_EQUAL(strlen(text), LENGTH + strlen("{\"a\":\"\"}"));
    CU_ASSERT_EQUAL(text[strlen(text) - 1], '}');
}

void stg_json_suite(void)
{
    CU_pSuite suite = CU_add_suite("json", set_up, tear_down);

    STG_TEST(suite, documents_come_out_as_they_went_in);
    STG_TEST(suite, malformed_documents_are_refused);
    STG_TEST(suite, size_and_depth_are_capped);
    STG_TEST(suite, fields_are_read_by_type);
    STG_TEST(suite, all_problems_are_reported_at_once);
    STG_TEST(suite, a_body_that_is_no_object_is_one_problem);
    STG_TEST(suite, answers_are_built_in_order);
    STG_TEST(suite, a_long_answer_is_whole);
}
