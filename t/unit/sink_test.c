/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/sink.h"

#include "check.h"
#include "stream_check.h"

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

static void memory_sink_keeps_what_was_written(void)
{
    stg_memory_sink_t *memory = stg_memory_sink_create(5000, pool);
    apr_size_t count;

    STG_CHECK_TEXT(stg_memory_sink_text(memory, NULL), "");
    for (int i = 0; i < 500; i++)
        STG_CHECK_OK(stg_sink_write(stg_memory_sink(memory), "0123456789", 10));
    CU_ASSERT(memcmp(stg_memory_sink_text(memory, &count) + 4990, "0123456789",
                     11) == 0);
    CU_ASSERT_EQUAL(count, 5000);
}

static void memory_sink_refuses_one_byte_too_many(void)
{
    stg_memory_sink_t *memory = stg_memory_sink_create(3, pool);

    STG_CHECK_OK(stg_sink_write(stg_memory_sink(memory), "abc", 3));
    STG_CHECK_OK(stg_sink_write(stg_memory_sink(memory), "", 0));
    STG_CHECK_FAILS(stg_sink_write(stg_memory_sink(memory), "d", 1),
                    STG_E_TOO_LARGE);
}

static void limit_sink_passes_exactly_its_limit(void)
{
    stg_probe_sink_t *probe = stg_probe_create(pool);
    stg_sink_t *limit = stg_limit_sink(&probe->sink, 4, pool);

    STG_CHECK_OK(stg_sink_write(limit, "ab", 2));
    STG_CHECK_OK(stg_sink_write(limit, "cd", 2));
    STG_CHECK_FAILS(stg_sink_write(limit, "e", 1), STG_E_TOO_LARGE);
    STG_CHECK_TEXT(stg_memory_sink_text(probe->memory, NULL), "abcd");
    CU_ASSERT_EQUAL(probe->is_closed, 0);
}

static void limit_sink_closes_the_next(void)
{
    stg_probe_sink_t *probe = stg_probe_create(pool);

    STG_CHECK_OK(stg_sink_close(stg_limit_sink(&probe->sink, 4, pool)));
    CU_ASSERT_EQUAL(probe->is_closed, 1);
}

void stg_sink_suite(void)
{
    CU_pSuite suite = CU_add_suite("sink", set_up, tear_down);

    STG_TEST(suite, memory_sink_keeps_what_was_written);
    STG_TEST(suite, memory_sink_refuses_one_byte_too_many);
    STG_TEST(suite, limit_sink_passes_exactly_its_limit);
    STG_TEST(suite, limit_sink_closes_the_next);
}
