/* SPDX-License-Identifier: Apache-2.0 */
/* Digests of bytes that come over many requests. */
#include "stream/digest_state.h"
#include "base/text.h"
#include "stream/digest.h"

#include "check.h"
#include "stream_check.h"

#include <apr_strings.h>
#include <stdlib.h>

enum {
    BLOCK = 64 * 1024,
    INLINE = 256 * 1024,
    RING = STG_DIGEST_MEMORY,
    MOST = 2 * RING + 17,
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

static stg_digest_t *resume(stg_sink_t *next, const char *state, apr_pool_t *p)
{
    stg_digest_t *digest = NULL;

    STG_CHECK_OK(stg_digest_resume(&digest, next, ALL, state, p));
    return digest;
}

static void feed(stg_digest_t *digest, apr_size_t from, apr_size_t to)
{
    STG_CHECK_OK(
        stg_sink_write(stg_digest_sink(digest), body + from, to - from));
}

static const char *state_of(stg_digest_t *digest, apr_pool_t *p)
{
    const char *state = NULL;

    STG_CHECK_OK(stg_digest_state(&state, digest, p));
    return state;
}

/* Of the first size bytes of the body. */
static void check_digests(stg_digest_t *digest, apr_size_t size, apr_pool_t *p)
{
    STG_CHECK_OK(stg_digest_settle(digest));
    CU_ASSERT_EQUAL(stg_digest_size(digest), (apr_off_t)size);
    for (int i = 0; i < STG_ALGORITHMS; i++)
        STG_CHECK_TEXT(stg_digest_hex(digest, i),
                       stg_digest_hex_of(stg_algorithm_name(i), body, size, p));
}

/* Two requests on two nodes. */
static void check_split(apr_size_t at, apr_size_t size)
{
    stg_probe_sink_t *first, *second;
    stg_digest_t *digest;
    const char *state;
    apr_size_t passed;
    apr_pool_t *p;

    apr_pool_create(&p, pool);
    first = stg_probe_create(p);
    second = stg_probe_create(p);
    digest = resume(&first->sink, NULL, p);
    feed(digest, 0, at);
    state = state_of(digest, p);
    stg_memory_sink_text(first->memory, &passed);
    CU_ASSERT_EQUAL(passed, at);
    digest = resume(&second->sink, state, p);
    CU_ASSERT_EQUAL(stg_digest_size(digest), (apr_off_t)at);
    feed(digest, at, size);
    check_digests(digest, size, p);
    stg_memory_sink_text(second->memory, &passed);
    CU_ASSERT_EQUAL(passed, size - at);
    apr_pool_destroy(p);
}

static void digests_go_on_from_any_offset(void)
{
    static const apr_size_t more[] = {0, 1, 9, 64, 128, 1000};

    for (apr_size_t at = 0; at <= 260; at++) {
        for (apr_size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
            check_split(at, at + more[i]);
    }
}

static void digests_go_on_around_every_block_edge(void)
{
    static const apr_size_t edges[] = {BLOCK, INLINE, INLINE + BLOCK, RING,
                                       RING + INLINE};

    for (apr_size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
        for (apr_size_t at = edges[i] - 1; at <= edges[i] + 1; at++) {
            check_split(at, at + 1);
            check_split(at, MOST);
            check_split(7, at);
        }
    }
}

static void a_digest_goes_on_after_its_state_was_told(void)
{
    stg_probe_sink_t *probe = stg_probe_create(pool);
    stg_digest_t *digest = resume(&probe->sink, NULL, pool);
    apr_size_t at = 0;
    apr_size_t size;

    /* Before threads are there, while they are, and again and again. */
    for (apr_size_t step = 1; at < MOST; step = 3 * step + 1) {
        apr_size_t end = at + step < MOST ? at + step : MOST;
        apr_pool_t *p;

        feed(digest, at, end);
        at = end;
        apr_pool_create(&p, pool);
        CU_ASSERT_STRING_EQUAL(state_of(digest, p), state_of(digest, p));
        check_digests(
            resume(&stg_probe_create(p)->sink, state_of(digest, p), p), at, p);
        apr_pool_destroy(p);
    }
    check_digests(digest, MOST, pool);
    CU_ASSERT(memcmp(stg_memory_sink_text(probe->memory, &size), body, MOST) ==
              0);
    CU_ASSERT_EQUAL(size, MOST);
}

static void a_thousand_small_requests_make_one_digest(void)
{
    const char *state = NULL;
    apr_size_t at = 0;

    srand(4711);
    for (int i = 0; i < 1000; i++) {
        apr_size_t end = at + (apr_size_t)(rand() % 300);
        stg_digest_t *digest;
        apr_pool_t *p;

        apr_pool_create(&p, pool);
        digest = resume(&stg_probe_create(p)->sink, state, p);
        feed(digest, at, end);
        state = state_of(digest, pool);
        at = end;
        apr_pool_destroy(p);
    }
    check_digests(resume(&stg_probe_create(pool)->sink, state, pool), at, pool);
}

static void a_small_request_far_behind_needs_no_threads(void)
{
    stg_probe_sink_t *probe = stg_probe_create(pool);
    stg_digest_t *digest = resume(&probe->sink, NULL, pool);
    int before = stg_threads_running();
    const char *state;
    apr_pool_t *p;

    apr_pool_create(&p, pool);
    feed(digest, 0, MOST);
    CU_ASSERT(stg_threads_running() > before);
    state = state_of(digest, pool);
    STG_CHECK_OK(stg_digest_settle(digest));
    CU_ASSERT(stg_threads_are_gone(before));
    digest = resume(&probe->sink, state, p);
    feed(digest, 0, INLINE);
    CU_ASSERT(stg_threads_are_gone(before));
    apr_pool_destroy(p);
}

static void a_settled_digest_tells_its_state(void)
{
    stg_digest_t *digest = resume(&stg_probe_create(pool)->sink, NULL, pool);

    feed(digest, 0, 100);
    check_digests(digest, 100, pool);
    check_digests(
        resume(&stg_probe_create(pool)->sink, state_of(digest, pool), pool),
        100, pool);
}

static void a_failing_sink_ends_the_state(void)
{
    stg_probe_sink_t *probe = stg_probe_create(pool);
    stg_digest_t *digest = resume(&probe->sink, NULL, pool);
    const char *state;

    probe->fail_after = 10;
    feed(digest, 0, 11);
    STG_CHECK_FAILS(stg_digest_state(&state, digest, pool), STG_E_NO_SPACE);
}

#define MD5_CHAIN "67452301efcdab8998badcfe10325476"
#define SHA1_CHAIN MD5_CHAIN "c3d2e1f0"

static void the_text_is_the_same_on_every_machine(void)
{
    stg_probe_sink_t *probe = stg_probe_create(pool);
    stg_digest_t *digest;

    STG_CHECK_OK(stg_digest_resume(&digest, &probe->sink,
                                   1U << STG_MD5 | 1U << STG_SHA1, NULL, pool));
    STG_CHECK_OK(stg_sink_write(stg_digest_sink(digest), "abc", 3));
    STG_CHECK_TEXT(state_of(digest, pool),
                   "1 3 md5:" MD5_CHAIN ":616263 sha1:" SHA1_CHAIN ":616263");
}

static stg_error_t *parse(stg_algorithm_set_t set, const char *text)
{
    stg_probe_sink_t *probe = stg_probe_create(pool);
    stg_digest_t *digest;

    return stg_digest_resume(&digest, &probe->sink, set, text, pool);
}

static void what_is_no_state_of_the_set_is_refused(void)
{
    static const char *const texts[] = {
        "",
        "1",
        "1 ",
        "1 3",
        "1 3 ",
        "2 3 md5:" MD5_CHAIN ":616263",
        "01 3 md5:" MD5_CHAIN ":616263",
        "1  3 md5:" MD5_CHAIN ":616263",
        " 1 3 md5:" MD5_CHAIN ":616263",
        "1 03 md5:" MD5_CHAIN ":616263",
        "1 -3 md5:" MD5_CHAIN ":616263",
        "1 4 md5:" MD5_CHAIN ":616263",
        "1 67 md5:" MD5_CHAIN ":6162",
        "1 64 md5:" MD5_CHAIN ":616263",
        "1 9999999999999939 md5:" MD5_CHAIN ":616263",
        "1 99999999999999999999 md5:" MD5_CHAIN ":616263",
        "1 3 md5:" MD5_CHAIN ":616263 ",
        "1 3 md5:" MD5_CHAIN ":616263\n",
        "1 3 md5:" MD5_CHAIN ":616263:",
        "1 3 md5:" MD5_CHAIN ":61626",
        "1 3 md5:" MD5_CHAIN ":61626g",
        "1 3 md5:" MD5_CHAIN ":61626A",
        "1 3 md5:" MD5_CHAIN,
        "1 3 md5:" SHA1_CHAIN ":616263",
        "1 3 md5::616263",
        "1 3 md5",
        "1 3 :" MD5_CHAIN ":616263",
        "1 3 md4:" MD5_CHAIN ":616263",
        "1 3 sha1:" SHA1_CHAIN ":616263",
        "1 3 md5:" MD5_CHAIN ":616263 md5:" MD5_CHAIN ":616263",
        "1 3 md5:" MD5_CHAIN ":616263 sha1:" SHA1_CHAIN ":616263",
    };

    STG_CHECK_OK(parse(1U << STG_MD5, "1 3 md5:" MD5_CHAIN ":616263"));
    STG_CHECK_OK(parse(0, "1 3"));
    for (apr_size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        STG_CHECK_FAILS(parse(1U << STG_MD5, texts[i]), STG_E_INVALID);
        STG_CHECK_FAILS(parse(ALL, texts[i]), STG_E_INVALID);
    }
}

static void only_the_whole_text_is_a_state(void)
{
    stg_digest_t *digest = resume(&stg_probe_create(pool)->sink, NULL, pool);
    char longer[STG_DIGEST_STATE_MOST + 10];
    const char *state;

    feed(digest, 0, 255);
    state = state_of(digest, pool);
    CU_ASSERT(strlen(state) <= STG_DIGEST_STATE_MOST);
    for (apr_size_t count = 0; count < strlen(state); count++)
        STG_CHECK_FAILS(parse(ALL, apr_pstrndup(pool, state, count)),
                        STG_E_INVALID);
    memset(longer, ' ', sizeof(longer));
    memcpy(longer, state, strlen(state));
    longer[sizeof(longer) - 1] = '\0';
    STG_CHECK_FAILS(parse(ALL, longer), STG_E_INVALID);
    STG_CHECK_OK(parse(ALL, state));
}

void stg_digest_state_suite(void)
{
    CU_pSuite suite = CU_add_suite("digest_state", set_up, tear_down);

    STG_TEST(suite, digests_go_on_from_any_offset);
    STG_TEST(suite, digests_go_on_around_every_block_edge);
    STG_TEST(suite, a_digest_goes_on_after_its_state_was_told);
    STG_TEST(suite, a_thousand_small_requests_make_one_digest);
    STG_TEST(suite, a_small_request_far_behind_needs_no_threads);
    STG_TEST(suite, a_settled_digest_tells_its_state);
    STG_TEST(suite, a_failing_sink_ends_the_state);
    STG_TEST(suite, the_text_is_the_same_on_every_machine);
    STG_TEST(suite, what_is_no_state_of_the_set_is_refused);
    STG_TEST(suite, only_the_whole_text_is_a_state);
}
