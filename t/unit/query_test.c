/* SPDX-License-Identifier: Apache-2.0 */
#include "base/query.h"

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

static const stg_parameter_t *parameter(const apr_array_header_t *list, int i)
{
    return &APR_ARRAY_IDX(list, i, stg_parameter_t);
}

static void parameters_come_decoded_and_in_order(void)
{
    apr_array_header_t *list;

    STG_CHECK_OK(stg_query_parse(&list, "b=1+2&&a%3d=%C3%A9=x&b&=", pool));
    CU_ASSERT_EQUAL_FATAL(list->nelts, 4);
    STG_CHECK_TEXT(parameter(list, 0)->name, "b");
    STG_CHECK_TEXT(parameter(list, 0)->value, "1 2");
    STG_CHECK_TEXT(parameter(list, 1)->name, "a=");
    STG_CHECK_TEXT(parameter(list, 1)->value, "\xc3\xa9=x");
    STG_CHECK_TEXT(parameter(list, 2)->value, "");
    STG_CHECK_TEXT(parameter(list, 3)->name, "");
}

static void no_query_has_no_parameters(void)
{
    apr_array_header_t *list;

    STG_CHECK_OK(stg_query_parse(&list, NULL, pool));
    CU_ASSERT_EQUAL(list->nelts, 0);
}

static void malformed_queries_are_refused(void)
{
    apr_array_header_t *list;

    STG_CHECK_FAILS(stg_query_parse(&list, "a=%", pool), STG_E_INVALID);
    STG_CHECK_FAILS(stg_query_parse(&list, "a=%4&b", pool), STG_E_INVALID);
    STG_CHECK_FAILS(stg_query_parse(&list, "%00=1", pool), STG_E_INVALID);
    STG_CHECK_FAILS(stg_query_parse(&list, "a=%ff", pool), STG_E_INVALID);
}

static void the_number_of_parameters_is_capped(void)
{
    apr_array_header_t *list;
    char query[2 * STG_QUERY_MAX_PARAMETERS + 2] = "";

    for (int i = 0; i < STG_QUERY_MAX_PARAMETERS; i++)
        strcat(query, "a&");
    STG_CHECK_OK(stg_query_parse(&list, query, pool));
    strcat(query, "a");
    STG_CHECK_FAILS(stg_query_parse(&list, query, pool), STG_E_INVALID);
}

static void a_single_parameter_is_found_once(void)
{
    apr_array_header_t *list;
    const char *value;

    STG_CHECK_OK(stg_query_parse(&list, "a=1&b=2&a=1", pool));
    STG_CHECK_OK(stg_query_single(&value, list, "b", pool));
    STG_CHECK_TEXT(value, "2");
    STG_CHECK_OK(stg_query_single(&value, list, "c", pool));
    STG_CHECK_TEXT(value, NULL);
    STG_CHECK_FAILS(stg_query_single(&value, list, "a", pool), STG_E_INVALID);
}

void stg_query_suite(void)
{
    CU_pSuite suite = CU_add_suite("query", set_up, tear_down);

    STG_TEST(suite, parameters_come_decoded_and_in_order);
    STG_TEST(suite, no_query_has_no_parameters);
    STG_TEST(suite, malformed_queries_are_refused);
    STG_TEST(suite, the_number_of_parameters_is_capped);
    STG_TEST(suite, a_single_parameter_is_found_once);
}
