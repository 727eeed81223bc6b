/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/digest.h"
#include "base/text.h"

#include "check.h"
#include "stream_check.h"

enum {
    BLOCK = 64 * 1024,
    INLINE = 256 * 1024,
    RING = STG_DIGEST_MEMORY,
    MOST = 4 * RING + 17,
    ALL = STG_ALGORITHMS_ALL
};

static apr_pool_t *pool;
static char *body;

static int set_up(void)
{
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 1;
    body = apr_palloc(pool, MOST);
    for (int i = 0; i < MOST; i++)
        body[i] = (char)(i * 2654435761U >> 13);
    return 0;
}

static int tear_down(void)
{
    apr_pool_destroy(pool);
    return 0;
}

static void feed(stg_digest_t *digest, apr_size_t count, apr_size_t step)
{
    for (apr_size_t at = 0; at < count; at += step)
        STG_CHECK_OK(stg_sink_write(stg_digest_sink(digest), body + at,
                                    count - at < step ? count - at : step));
}

static void check_body(apr_size_t count, apr_size_t step)
{
    apr_pool_t *p;
    stg_probe_sink_t *probe;
    stg_digest_t *digest;
    const char *seen;
    apr_size_t size;

    apr_pool_create(&p, pool);
    probe = stg_probe_create(p);
    digest = stg_digest_create(&probe->sink, ALL, p);
    feed(digest, count, step);
    STG_CHECK_OK(stg_sink_close(stg_digest_sink(digest)));
    CU_ASSERT_EQUAL(probe->is_closed, 1);
    CU_ASSERT_EQUAL(stg_digest_size(digest), (apr_off_t)count);
    seen = stg_memory_sink_text(probe->memory, &size);
    CU_ASSERT(size == count && memcmp(seen, body, count) == 0);
    for (int i = 0; i < STG_ALGORITHMS; i++)
        STG_CHECK_TEXT(
            stg_digest_hex(digest, i),
            stg_digest_hex_of(stg_algorithm_name(i), body, count, p));
    apr_pool_destroy(p);
}

static void digests_and_bytes_are_right_around_every_block_edge(void)
{
    static const apr_size_t counts[] = {
        0,
        1,
        BLOCK - 1,
        BLOCK,
        BLOCK + 1,
        INLINE - 1,
        INLINE,
        INLINE + 1,
        RING - 1,
        RING,
        RING + 1,
        RING + INLINE,
        RING + INLINE + 1,
        MOST,
    };

    for (apr_size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        check_body(counts[i], 8000);
        check_body(counts[i], BLOCK);
        check_body(counts[i], MOST);
    }
}

static void a_small_body_needs_no_threads(void)
{
    stg_probe_sink_t *probe = stg_probe_create(pool);
    stg_digest_t *digest = stg_digest_create(&probe->sink, ALL, pool);
    int before = stg_threads_running();

    feed(digest, INLINE, 8000);
    CU_ASSERT(stg_threads_are_gone(before));
    STG_CHECK_OK(stg_sink_close(stg_digest_sink(digest)));
    CU_ASSERT_EQUAL(probe->writes, INLINE / BLOCK);
}

static void only_the_set_is_computed(void)
{
    stg_probe_sink_t *probe = stg_probe_create(pool);
    stg_digest_t *digest =
        stg_digest_create(&probe->sink, 1U << STG_SHA1, pool);

    feed(digest, 3, 1);
    STG_CHECK_OK(stg_digest_settle(digest));
    CU_ASSERT_PTR_NULL(stg_digest_hex(digest, STG_MD5));
    STG_CHECK_TEXT(stg_digest_hex(digest, STG_SHA1),
                   stg_digest_hex_of("sha1", body, 3, pool));
}

static void settling_hands_on_everything_but_commits_nothing(void)
{
    stg_probe_sink_t *probe = stg_probe_create(pool);
    stg_digest_t *digest = stg_digest_create(&probe->sink, ALL, pool);
    apr_size_t size;

    feed(digest, INLINE + BLOCK + 5, 100000);
    STG_CHECK_OK(stg_digest_settle(digest));
    stg_memory_sink_text(probe->memory, &size);
    CU_ASSERT_EQUAL(size, INLINE + BLOCK + 5);
    CU_ASSERT_EQUAL(probe->is_closed, 0);
    STG_CHECK_OK(stg_sink_close(stg_digest_sink(digest)));
    CU_ASSERT_EQUAL(probe->is_closed, 1);
}

static void an_unclosed_digest_stops_its_threads(void)
{
    int before = stg_threads_running();
    stg_digest_t *digest;
    apr_pool_t *p;

    apr_pool_create(&p, pool);
    digest = stg_digest_create(&stg_probe_create(p)->sink, ALL, p);
    feed(digest, MOST, 8000);
    CU_ASSERT(stg_threads_running() > before);
    apr_pool_destroy(p);
    CU_ASSERT(stg_threads_are_gone(before));
}

static void a_failing_sink_ends_the_body(void)
{
    int before = stg_threads_running();
    stg_error_t *err = STG_OK;
    stg_probe_sink_t *probe;
    stg_digest_t *digest;
    apr_pool_t *p;

    apr_pool_create(&p, pool);
    probe = stg_probe_create(p);
    probe->fail_after = RING + BLOCK;
    digest = stg_digest_create(&probe->sink, ALL, p);
    for (apr_size_t at = 0; !err && at + 8000 < MOST; at += 8000)
        err = stg_sink_write(stg_digest_sink(digest), body + at, 8000);
    STG_CHECK_FAILS(err, STG_E_NO_SPACE);
    CU_ASSERT_EQUAL(probe->is_closed, 0);
    apr_pool_destroy(p);
    CU_ASSERT(stg_threads_are_gone(before));
}

static void algorithms_are_found_by_name(void)
{
    CU_ASSERT_EQUAL(stg_algorithm_find("sha256"), STG_SHA256);
    CU_ASSERT_EQUAL(stg_algorithm_find("sha-256"), STG_ALGORITHMS);
    STG_CHECK_TEXT(stg_algorithm_name(STG_MD5), "md5");
}

void stg_digest_suite(void)
{
    CU_pSuite suite = CU_add_suite("digest", set_up, tear_down);

    STG_TEST(suite, digests_and_bytes_are_right_around_every_block_edge);
    STG_TEST(suite, a_small_body_needs_no_threads);
    STG_TEST(suite, only_the_set_is_computed);
    STG_TEST(suite, settling_hands_on_everything_but_commits_nothing);
    STG_TEST(suite, an_unclosed_digest_stops_its_threads);
    STG_TEST(suite, a_failing_sink_ends_the_body);
    STG_TEST(suite, algorithms_are_found_by_name);
}
