/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3_breaker.h"

#include "check.h"

static apr_pool_t *pool;
static stg_s3_breaker_t *breaker;

static void begin(void)
{
    apr_pool_create(&pool, NULL);
    breaker = stg_s3_breaker_create(pool);
}

static void end(void)
{
    apr_pool_destroy(pool);
}

static apr_time_t at(int seconds)
{
    return apr_time_from_sec(1000 + seconds);
}

/* Three attempts without an answer, until second 6. */
static void go_down(void)
{
    for (int i = 0; i < STG_S3_BREAKER_ATTEMPTS; i++)
        stg_s3_breaker_silent(breaker, at(2 * i), at(2 * i + 2));
}

static void long_silence_is_down(void)
{
    CU_ASSERT(stg_s3_breaker_enter(breaker, at(0)));
    go_down();
    CU_ASSERT(stg_s3_breaker_is_down(breaker));
    CU_ASSERT(!stg_s3_breaker_enter(breaker, at(7)));
}

/* Connections that are lost together are one event. */
static void many_failures_at_once_are_not(void)
{
    for (int i = 0; i < 100; i++)
        stg_s3_breaker_silent(breaker, at(0), at(1));
    CU_ASSERT(!stg_s3_breaker_is_down(breaker));
    CU_ASSERT(stg_s3_breaker_enter(breaker, at(2)));
    stg_s3_breaker_silent(breaker, at(0), at(5));
    CU_ASSERT(stg_s3_breaker_is_down(breaker));
}

static void few_long_failures_are_not(void)
{
    stg_s3_breaker_silent(breaker, at(0), at(60));
    stg_s3_breaker_silent(breaker, at(60), at(120));
    CU_ASSERT(!stg_s3_breaker_is_down(breaker));
}

static void an_answer_between_begins_anew(void)
{
    stg_s3_breaker_silent(breaker, at(0), at(2));
    stg_s3_breaker_silent(breaker, at(2), at(4));
    stg_s3_breaker_answered(breaker, at(4));
    stg_s3_breaker_silent(breaker, at(4), at(6));
    stg_s3_breaker_silent(breaker, at(6), at(11));
    CU_ASSERT(!stg_s3_breaker_is_down(breaker));
}

static void silence_from_before_the_answer_is_no_news(void)
{
    stg_s3_breaker_answered(breaker, at(3));
    for (int i = 0; i < 10; i++)
        stg_s3_breaker_silent(breaker, at(0), at(20));
    CU_ASSERT(!stg_s3_breaker_is_down(breaker));
}

static void one_may_try_in_a_pause(void)
{
    go_down();
    CU_ASSERT(!stg_s3_breaker_enter(breaker, at(10)));
    CU_ASSERT(stg_s3_breaker_enter(breaker, at(11)));
    CU_ASSERT(!stg_s3_breaker_enter(breaker, at(11)));
    CU_ASSERT(!stg_s3_breaker_enter(breaker, at(15)));
    CU_ASSERT(stg_s3_breaker_enter(breaker, at(16)));
    CU_ASSERT(stg_s3_breaker_is_down(breaker));
}

static void a_try_in_vain_begins_the_pause_anew(void)
{
    go_down();
    CU_ASSERT(stg_s3_breaker_enter(breaker, at(11)));
    stg_s3_breaker_silent(breaker, at(11), at(31));
    CU_ASSERT(!stg_s3_breaker_enter(breaker, at(35)));
    CU_ASSERT(stg_s3_breaker_enter(breaker, at(36)));
}

static void an_answer_opens_to_all(void)
{
    go_down();
    CU_ASSERT(stg_s3_breaker_enter(breaker, at(11)));
    stg_s3_breaker_answered(breaker, at(12));
    CU_ASSERT(!stg_s3_breaker_is_down(breaker));
    for (int i = 0; i < 10; i++)
        CU_ASSERT(stg_s3_breaker_enter(breaker, at(12)));
}

void stg_s3_breaker_suite(void)
{
    CU_pSuite suite = CU_add_suite_with_setup_and_teardown("s3_breaker", NULL,
                                                           NULL, begin, end);

    STG_TEST(suite, long_silence_is_down);
    STG_TEST(suite, many_failures_at_once_are_not);
    STG_TEST(suite, few_long_failures_are_not);
    STG_TEST(suite, an_answer_between_begins_anew);
    STG_TEST(suite, silence_from_before_the_answer_is_no_news);
    STG_TEST(suite, one_may_try_in_a_pause);
    STG_TEST(suite, a_try_in_vain_begins_the_pause_anew);
    STG_TEST(suite, an_answer_opens_to_all);
}
