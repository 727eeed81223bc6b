/* SPDX-License-Identifier: Apache-2.0 */
#include "store/part_queue.h"

#include "check.h"

#include <pthread.h>
#include <unistd.h>

enum { PARTS = 12, PARALLEL = 3, ROOM = 1000, TURN = 1000 };

/* Where parts go: each waits until its number may pass. */
typedef struct place_t {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int may_pass[PARTS];
    int fails[PARTS];
    char first[PARTS]; /* byte of what was sent, 0 if nothing was */
    apr_off_t size[PARTS];
    int at_once, most_at_once;
} place_t;

static apr_pool_t *pool;
static stg_part_budget_t *budget;
static place_t place;

static void begin_test(void)
{
    apr_pool_create(&pool, NULL);
    budget = stg_part_budget_create(1024 * 1024, "/tmp", pool);
    place = (place_t){.at_once = 0};
    pthread_mutex_init(&place.mutex, NULL);
    pthread_cond_init(&place.changed, NULL);
}

static void end_test(void)
{
    apr_pool_destroy(pool);
}

static stg_error_t *send_part(void *context, int index,
                              const stg_part_buffer_t *buffer, apr_pool_t *p)
{
    int fails;

    (void)context;
    pthread_mutex_lock(&place.mutex);
    if (++place.at_once > place.most_at_once)
        place.most_at_once = place.at_once;
    while (!place.may_pass[index])
        pthread_cond_wait(&place.changed, &place.mutex);
    fails = place.fails[index];
    if (!fails) {
        place.first[index] = *stg_part_buffer_memory(buffer);
        place.size[index] = stg_part_buffer_size(buffer);
    }
    place.at_once--;
    pthread_mutex_unlock(&place.mutex);
    return fails ? stg_raise(p, STG_E_STORE_DOWN, "part %d", index) : STG_OK;
}

static void let_pass(int first, int end)
{
    pthread_mutex_lock(&place.mutex);
    for (int i = first; i < end; i++)
        place.may_pass[i] = 1;
    pthread_cond_broadcast(&place.changed);
    pthread_mutex_unlock(&place.mutex);
}

/* How many parts are being sent, now or ever at most. */
static int look(const int *count)
{
    int seen;

    pthread_mutex_lock(&place.mutex);
    seen = *count;
    pthread_mutex_unlock(&place.mutex);
    return seen;
}

static stg_part_queue_t *queue_of(int parallel)
{
    return stg_part_queue_create(budget, parallel, send_part, NULL, pool);
}

static stg_error_t *give(stg_part_queue_t *queue, char byte)
{
    stg_part_buffer_t *buffer;

    STG_TRY(stg_part_queue_take(&buffer, queue, ROOM));
    STG_TRY(stg_part_buffer_add(buffer, &byte, 1, pool));
    return stg_part_queue_give(queue);
}

static void wait_until_sent(stg_part_queue_t *queue, int count)
{
    for (int i = 0; i < 5000 && stg_part_queue_sent(queue) < count; i++)
        usleep(TURN);
    CU_ASSERT_EQUAL(stg_part_queue_sent(queue), count);
}

static void all_parts_are_sent_and_some_at_once(void)
{
    stg_part_queue_t *queue = queue_of(PARALLEL);

    for (int i = 0; i < PARALLEL; i++)
        STG_CHECK_OK(give(queue, (char)('a' + i)));
    for (int i = 0; i < 5000 && look(&place.most_at_once) < PARALLEL; i++)
        usleep(TURN);
    let_pass(0, PARTS);
    for (int i = PARALLEL; i < PARTS; i++)
        STG_CHECK_OK(give(queue, (char)('a' + i)));
    STG_CHECK_OK(stg_part_queue_settle(queue));
    CU_ASSERT_EQUAL(stg_part_queue_sent(queue), PARTS);
    CU_ASSERT_EQUAL(place.most_at_once, PARALLEL);
    for (int i = 0; i < PARTS; i++) {
        CU_ASSERT_EQUAL(place.first[i], 'a' + i);
        CU_ASSERT_EQUAL(place.size[i], 1);
    }
    CU_ASSERT_EQUAL(stg_part_budget_used(budget), 0);
}

static void without_threads_a_part_is_sent_when_given(void)
{
    stg_part_queue_t *queue = queue_of(0);

    let_pass(0, PARTS);
    for (int i = 0; i < PARTS; i++) {
        STG_CHECK_OK(give(queue, (char)('a' + i)));
        CU_ASSERT_EQUAL(stg_part_queue_sent(queue), i + 1);
        CU_ASSERT_EQUAL(place.first[i], 'a' + i);
        CU_ASSERT_EQUAL(place.size[i], 1);
    }
    STG_CHECK_OK(stg_part_queue_settle(queue));
}

static void a_buffer_is_the_same_until_it_is_given(void)
{
    stg_part_queue_t *queue = queue_of(1);
    stg_part_buffer_t *first, *second;

    STG_CHECK_OK(stg_part_queue_take(&first, queue, ROOM));
    STG_CHECK_OK(stg_part_buffer_add(first, "x", 1, pool));
    STG_CHECK_OK(stg_part_queue_take(&second, queue, ROOM));
    CU_ASSERT_PTR_EQUAL(first, second);
    CU_ASSERT_EQUAL(stg_part_buffer_size(second), 1);
    CU_ASSERT_EQUAL(stg_part_buffer_room(second), ROOM - 1);
}

static void what_is_sent_before_others_does_not_count(void)
{
    stg_part_queue_t *queue = queue_of(PARALLEL);

    for (int i = 0; i < PARALLEL; i++)
        STG_CHECK_OK(give(queue, 'x'));
    CU_ASSERT_EQUAL(stg_part_queue_sent(queue), 0);
    let_pass(1, PARALLEL);
    for (int i = 0; i < 5000 && look(&place.at_once) > 1; i++)
        usleep(TURN);
    CU_ASSERT_EQUAL(stg_part_queue_sent(queue), 0);
    let_pass(0, 1);
    wait_until_sent(queue, PARALLEL);
}

static void after_a_failure_nothing_is_sent(void)
{
    stg_part_queue_t *queue = queue_of(1);
    stg_part_buffer_t *buffer;

    place.fails[1] = 1;
    for (int i = 0; i < 2; i++)
        STG_CHECK_OK(give(queue, 'x'));
    let_pass(0, PARTS);
    STG_CHECK_FAILS(stg_part_queue_settle(queue), STG_E_STORE_DOWN);
    STG_CHECK_FAILS(stg_part_queue_take(&buffer, queue, ROOM),
                    STG_E_STORE_DOWN);
    CU_ASSERT_EQUAL(stg_part_queue_sent(queue), 1);
    CU_ASSERT_EQUAL(place.size[2], 0);
}

static void a_part_before_the_one_that_failed_counts(void)
{
    stg_part_queue_t *queue = queue_of(PARALLEL);
    stg_error_t *err;

    place.fails[1] = place.fails[2] = 1;
    for (int i = 0; i < PARALLEL; i++)
        STG_CHECK_OK(give(queue, 'x'));
    let_pass(2, 3);
    for (int i = 0; i < 5000 && look(&place.at_once) > 2; i++)
        usleep(TURN);
    /* The queue hears of it a moment later. */
    usleep(100 * TURN);
    CU_ASSERT_EQUAL(stg_part_queue_sent(queue), 0);
    let_pass(0, PARTS);
    err = stg_part_queue_settle(queue);
    CU_ASSERT_PTR_NOT_NULL_FATAL(err);
    STG_CHECK_TEXT(err->message, "part 2");
    CU_ASSERT_EQUAL(stg_part_queue_sent(queue), 1);
}

static void parts_may_follow_after_settling(void)
{
    stg_part_queue_t *queue = queue_of(2);

    let_pass(0, PARTS);
    STG_CHECK_OK(stg_part_queue_settle(queue));
    for (int i = 0; i < PARTS; i++) {
        STG_CHECK_OK(give(queue, 'x'));
        STG_CHECK_OK(stg_part_queue_settle(queue));
        CU_ASSERT_EQUAL(stg_part_queue_sent(queue), i + 1);
    }
}

static void *pass_later(void *data)
{
    (void)data;
    usleep(50 * TURN);
    let_pass(0, PARTS);
    return NULL;
}

static void the_end_waits_for_what_is_being_sent_only(void)
{
    pthread_t thread;
    apr_pool_t *own;

    apr_pool_create(&own, pool);
    stg_part_queue_t *queue =
        stg_part_queue_create(budget, 1, send_part, NULL, own);
    for (int i = 0; i < 2; i++)
        STG_CHECK_OK(give(queue, 'x'));
    for (int i = 0; i < 5000 && look(&place.at_once) < 1; i++)
        usleep(TURN);
    pthread_create(&thread, NULL, pass_later, NULL);
    apr_pool_destroy(own);
    CU_ASSERT_EQUAL(place.at_once, 0);
    CU_ASSERT_EQUAL(place.size[0], 1);
    CU_ASSERT_EQUAL(place.size[1], 0);
    pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(stg_part_budget_used(budget), 0);
}

void stg_part_queue_suite(void)
{
    CU_pSuite suite = CU_add_suite_with_setup_and_teardown(
        "part_queue", NULL, NULL, begin_test, end_test);

    STG_TEST(suite, all_parts_are_sent_and_some_at_once);
    STG_TEST(suite, without_threads_a_part_is_sent_when_given);
    STG_TEST(suite, a_buffer_is_the_same_until_it_is_given);
    STG_TEST(suite, what_is_sent_before_others_does_not_count);
    STG_TEST(suite, after_a_failure_nothing_is_sent);
    STG_TEST(suite, a_part_before_the_one_that_failed_counts);
    STG_TEST(suite, parts_may_follow_after_settling);
    STG_TEST(suite, the_end_waits_for_what_is_being_sent_only);
}
