/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ticket.h"

#include "base/clock.h"
#include "base/query.h"
#include "check.h"

#include <apr_strings.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define NOW apr_time_from_sec(1800000000)

static apr_pool_t *pool;

static int set_up(void)
{
    stg_clock_freeze(NOW);
    return apr_pool_create(&pool, NULL) != APR_SUCCESS;
}

static int tear_down(void)
{
    stg_clock_freeze(0);
    apr_pool_destroy(pool);
    return 0;
}

static stg_ticket_t example(void)
{
    return (stg_ticket_t){.method = "GET",
                          .store = "main",
                          .object = "0b7c0f3e-5f0e-4c7a-9d1e-2f4b6a8c0d1e",
                          .content_type = "text/plain; charset=\"utf-8\"",
                          .filename = "gr\xc3\xbc\xc3\x9f&name=x?.txt",
                          .digest = "00ff",
                          .expires = NOW + apr_time_from_sec(60)};
}

/* Redeem the URL as the download handler would: by method and object. */
static stg_error_t *redeem(stg_ticket_t *got, const char *url,
                           const char *method)
{
    const char *mark = strchr(url, '?');
    apr_array_header_t *query;
    const char *signature;

    memset(got, 0, sizeof(*got));
    got->method = method;
    got->object = apr_pstrndup(pool, url, (apr_size_t)(mark - url));
    STG_TRY(stg_query_parse(&query, mark + 1, pool));
    STG_TRY(stg_query_single(&signature, query, "signature", pool));
    return stg_ticket_redeem(got, SECRET, query, signature, pool);
}

static void a_ticket_comes_back_as_it_was_issued(void)
{
    stg_ticket_t issued = example(), got;

    STG_CHECK_OK(redeem(&got, stg_ticket_issue(&issued, SECRET, pool), "GET"));
    STG_CHECK_TEXT(got.store, issued.store);
    STG_CHECK_TEXT(got.content_type, issued.content_type);
    STG_CHECK_TEXT(got.filename, issued.filename);
    STG_CHECK_TEXT(got.digest, issued.digest);
    CU_ASSERT_EQUAL(got.expires, issued.expires);
}

static void a_ticket_without_digest_is_good(void)
{
    stg_ticket_t issued = example(), got;

    issued.digest = NULL;
    STG_CHECK_OK(redeem(&got, stg_ticket_issue(&issued, SECRET, pool), "GET"));
    CU_ASSERT_PTR_NULL(got.digest);
}

static void a_ticket_is_for_its_method_only(void)
{
    stg_ticket_t issued = example(), got;

    STG_CHECK_FAILS(
        redeem(&got, stg_ticket_issue(&issued, SECRET, pool), "HEAD"),
        STG_E_FORBIDDEN);
}

static void a_ticket_ends(void)
{
    stg_ticket_t issued = example(), got;

    issued.expires = NOW;
    STG_CHECK_FAILS(
        redeem(&got, stg_ticket_issue(&issued, SECRET, pool), "GET"),
        STG_E_FORBIDDEN);
}

static void another_secret_signs_nothing(void)
{
    stg_ticket_t issued = example(), got;

    STG_CHECK_FAILS(
        redeem(&got, stg_ticket_issue(&issued, SECRET "x", pool), "GET"),
        STG_E_FORBIDDEN);
}

/* Whatever single character is changed, the URL is worth nothing. */
static void a_changed_ticket_is_refused(void)
{
    stg_ticket_t issued = example(), got;
    const char *url = stg_ticket_issue(&issued, SECRET, pool);

    for (apr_size_t i = 0; url[i]; i++) {
        char *forged = apr_pstrdup(pool, url);

        if (forged[i] == '?')
            continue;
        forged[i] = forged[i] == '7' ? '8' : '7';
        CU_ASSERT_PTR_NOT_NULL(redeem(&got, forged, "GET"));
    }
}

static void an_incomplete_ticket_is_refused(void)
{
    stg_ticket_t got;

    STG_CHECK_FAILS(redeem(&got, "x?signature=y", "GET"), STG_E_FORBIDDEN);
    STG_CHECK_FAILS(redeem(&got, "x?store=a&type=b&name=c&expires=9", "GET"),
                    STG_E_FORBIDDEN);
}

void stg_ticket_suite(void)
{
    CU_pSuite suite = CU_add_suite("ticket", set_up, tear_down);

    STG_TEST(suite, a_ticket_comes_back_as_it_was_issued);
    STG_TEST(suite, a_ticket_without_digest_is_good);
    STG_TEST(suite, a_ticket_is_for_its_method_only);
    STG_TEST(suite, a_ticket_ends);
    STG_TEST(suite, another_secret_signs_nothing);
    STG_TEST(suite, a_changed_ticket_is_refused);
    STG_TEST(suite, an_incomplete_ticket_is_refused);
}
