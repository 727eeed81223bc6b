/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that come in parts, over many requests, in every store. */
#include "store_fixture.h"

#include <apr_strings.h>
#include <apr_thread_proc.h>

#define CALL(function, ...) fixture.store->driver->function(__VA_ARGS__)

/* The smallest that S3 allows but for the last. */
enum { PART = 5 * MIB, REST = 345 };

static sample_t sample_of(apr_off_t size)
{
    static unsigned int seed = 1000;

    return (sample_t){.seed = ++seed, .size = size, .key = new_key()};
}

/* Other bytes for the same object. */
static sample_t other_bytes(const sample_t *sample)
{
    sample_t other = *sample;

    other.seed += 50000;
    return other;
}

static void check_whole(const sample_t *sample)
{
    apr_array_header_t *list = list_found();
    int is_equal = 0;

    STG_CHECK_OK(compare_range(&is_equal, sample, 0, -1, fixture.p));
    CU_ASSERT(is_equal);
    CU_ASSERT_EQUAL(list->nelts, 1);
    if (list->nelts)
        CU_ASSERT(!APR_ARRAY_IDX(list, 0, stg_found_t).is_temporary);
}

static void check_absent(const sample_t *sample)
{
    stg_found_t found;

    STG_CHECK_FAILS(find_sample(&found, sample), STG_E_NOT_FOUND);
}

static void put(stg_stored_part_t *part, const sample_t *sample)
{
    STG_CHECK_OK(put_sample(part, sample, fixture.budget, fixture.p));
}

/* Three full ones and a rest, of one segment. */
enum { PARTS = 4 };
static const apr_off_t usual_size = 3 * (apr_off_t)PART + REST;

static void usual_parts(stg_stored_part_t *parts)
{
    for (int i = 0; i < PARTS; i++)
        parts[i] = (stg_stored_part_t){.number = i + 1,
                                       .first = i * (apr_off_t)PART,
                                       .size = i < PARTS - 1 ? PART : REST};
}

/* Begun, with all of its parts. */
static void put_usual(sample_t *sample, stg_stored_part_t *parts)
{
    *sample = sample_of(usual_size);
    usual_parts(parts);
    STG_CHECK_OK(begin_sample(sample));
    for (int i = 0; i < PARTS; i++)
        put(&parts[i], sample);
}

typedef struct sender_t {
    const sample_t *sample;
    stg_stored_part_t *part;
    apr_pool_t *p;
    stg_error_t *err;
} sender_t;

static void *APR_THREAD_FUNC send_part(apr_thread_t *thread, void *data)
{
    sender_t *sender = data;

    sender->err =
        put_sample(sender->part, sender->sample, fixture.budget, sender->p);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static void parts_come_in_any_order_and_at_once(void)
{
    sample_t sample = sample_of(usual_size);
    stg_stored_part_t parts[PARTS];
    apr_thread_t *threads[PARTS];
    sender_t senders[PARTS];
    apr_status_t status;

    usual_parts(parts);
    STG_CHECK_OK(begin_sample(&sample));
    for (int i = PARTS - 1; i >= 0; i--) {
        senders[i] = (sender_t){.sample = &sample, .part = &parts[i]};
        apr_pool_create(&senders[i].p, NULL);
        apr_thread_create(&threads[i], NULL, send_part, &senders[i], fixture.p);
    }
    for (int i = 0; i < PARTS; i++) {
        apr_thread_join(&status, threads[i]);
        STG_CHECK_OK(senders[i].err);
    }
    check_absent(&sample);
    STG_CHECK_OK(finish_sample(&sample, parts, PARTS));
    check_whole(&sample);
    for (int i = 0; i < PARTS; i++)
        apr_pool_destroy(senders[i].p);
}

static void one_short_part_is_an_object(void)
{
    sample_t sample = sample_of(REST);
    stg_stored_part_t part = {.number = 1, .size = REST};

    STG_CHECK_OK(begin_sample(&sample));
    put(&part, &sample);
    STG_CHECK_OK(finish_sample(&sample, &part, 1));
    check_whole(&sample);
}

static void numbers_of_parts_may_have_gaps(void)
{
    sample_t sample = sample_of(usual_size);
    stg_stored_part_t parts[PARTS];

    usual_parts(parts);
    STG_CHECK_OK(begin_sample(&sample));
    for (int i = 0; i < PARTS; i++) {
        parts[i].number = 3 + 9 * i;
        put(&parts[i], &sample);
    }
    STG_CHECK_OK(finish_sample(&sample, parts, PARTS));
    check_whole(&sample);
}

/* As after take-overs by force: whoever came before sends on. */
static void segments_do_not_mix(void)
{
    sample_t sample = sample_of(usual_size);
    sample_t late;
    stg_stored_part_t parts[PARTS];

    usual_parts(parts);
    STG_CHECK_OK(begin_sample(&sample));
    late = other_bytes(&sample);
    for (int i = 0; i < PARTS; i++) {
        stg_stored_part_t lost = parts[i];

        parts[i].segment = i;
        parts[i].number = 1 + 9 * i;
        lost.segment = i - 1;
        lost.number = parts[i].number - 1;
        put(&parts[i], &sample);
        if (i)
            put(&lost, &late);
    }
    STG_CHECK_OK(finish_sample(&sample, parts, PARTS));
    check_whole(&sample);
}

/* Nobody has told those that sent the first two: they go on. */
static void a_late_part_of_an_older_segment_changes_nothing(void)
{
    sample_t sample = sample_of(usual_size);
    sample_t late;
    stg_stored_part_t parts[PARTS];
    stg_stored_part_t lost[2];

    usual_parts(parts);
    STG_CHECK_OK(begin_sample(&sample));
    late = other_bytes(&sample);
    lost[0] = lost[1] = parts[2];
    lost[1].number++;
    lost[1].first += MIB;
    for (int i = 2; i < PARTS; i++) {
        parts[i].number += 8;
        parts[i].segment = 1;
    }
    put(&parts[0], &sample);
    put(&parts[1], &sample);
    put(&lost[0], &late);
    put(&parts[3], &sample);
    put(&parts[2], &sample);
    put(&lost[1], &late);
    STG_CHECK_OK(finish_sample(&sample, parts, PARTS));
    check_whole(&sample);
    STG_CHECK_FAILS(put_sample(&lost[0], &late, fixture.budget, fixture.p),
                    STG_E_NOT_FOUND);
    check_whole(&sample);
}

static void finishing_parts_twice_succeeds(void)
{
    stg_stored_part_t parts[PARTS];
    sample_t sample;

    put_usual(&sample, parts);
    STG_CHECK_OK(finish_sample(&sample, parts, PARTS));
    STG_CHECK_OK(finish_sample(&sample, parts, PARTS));
    check_whole(&sample);
}

/* By number in S3; in files whoever does it is in an older segment. */
static void a_part_overwritten_behind_us_never_passes(void)
{
    int is_file = fixture.store->driver == &stg_store_file_driver;
    stg_stored_part_t parts[PARTS];
    stg_stored_part_t overwriting;
    sample_t sample;
    sample_t other;

    put_usual(&sample, parts);
    other = other_bytes(&sample);
    parts[1].segment = 1;
    put(&parts[1], &sample);
    overwriting = parts[1];
    overwriting.segment = 0;
    put(&overwriting, &other);
    if (is_file) {
        STG_CHECK_OK(finish_sample(&sample, parts, PARTS));
        check_whole(&sample);
        return;
    }
    for (int i = 0; i < 2; i++) {
        STG_CHECK_FAILS(finish_sample(&sample, parts, PARTS),
                        STG_E_STORE_FAILED);
        check_absent(&sample);
    }
}

static void a_part_that_never_came_is_missed(void)
{
    stg_stored_part_t parts[PARTS + 1];
    sample_t sample;

    put_usual(&sample, parts);
    parts[PARTS - 1].size = PART;
    parts[PARTS] = (stg_stored_part_t){.number = PARTS + 1,
                                       .first = PARTS * (apr_off_t)PART,
                                       .size = 1,
                                       .etag = parts[0].etag};
    sample.size = PARTS * (apr_off_t)PART + 1;
    STG_CHECK_FAILS(finish_sample(&sample, parts, PARTS + 1),
                    STG_E_STORE_FAILED);
    check_absent(&sample);
}

static void parts_that_do_not_make_up_the_object_are_refused(void)
{
    stg_stored_part_t parts[PARTS];
    stg_stored_part_t wrong[PARTS];
    sample_t sample;

    put_usual(&sample, parts);
    STG_CHECK_FAILS(finish_sample(&sample, parts, 0), STG_E_STORE_FAILED);
    STG_CHECK_FAILS(finish_sample(&sample, parts, PARTS - 1),
                    STG_E_STORE_FAILED);
    STG_CHECK_FAILS(finish_sample(&sample, parts + 1, PARTS - 1),
                    STG_E_STORE_FAILED);
    memcpy(wrong, parts, sizeof(wrong));
    wrong[1] = parts[2];
    wrong[2] = parts[1];
    STG_CHECK_FAILS(finish_sample(&sample, wrong, PARTS), STG_E_STORE_FAILED);
    memcpy(wrong, parts, sizeof(wrong));
    wrong[2].first--;
    wrong[2].size++;
    STG_CHECK_FAILS(finish_sample(&sample, wrong, PARTS), STG_E_STORE_FAILED);
    check_absent(&sample);
    STG_CHECK_OK(finish_sample(&sample, parts, PARTS));
    check_whole(&sample);
}

static void only_the_last_part_may_be_short(void)
{
    sample_t sample = sample_of(PART + REST);
    stg_stored_part_t parts[] = {{.number = 1, .size = REST},
                                 {.number = 2, .first = REST, .size = PART}};

    STG_CHECK_OK(begin_sample(&sample));
    put(&parts[0], &sample);
    put(&parts[1], &sample);
    if (fixture.store->least_part) {
        STG_CHECK_FAILS(finish_sample(&sample, parts, 2), STG_E_STORE_FAILED);
        check_absent(&sample);
    } else {
        STG_CHECK_OK(finish_sample(&sample, parts, 2));
        check_whole(&sample);
    }
}

static void removed_parts_are_gone(void)
{
    stg_stored_part_t parts[PARTS];
    sample_t sample;

    put_usual(&sample, parts);
    STG_CHECK_OK(remove_sample(&sample));
    CU_ASSERT_EQUAL(list_found()->nelts, 0);
    STG_CHECK_FAILS(put_sample(&parts[1], &sample, fixture.budget, fixture.p),
                    STG_E_NOT_FOUND);
    STG_CHECK_FAILS(finish_sample(&sample, parts, PARTS), STG_E_NOT_FOUND);
    CU_ASSERT_EQUAL(list_found()->nelts, 0);
}

static void parts_that_nobody_began_are_not_taken(void)
{
    sample_t sample = sample_of(REST);
    stg_stored_part_t part = {
        .number = 1, .size = REST, .etag = "d41d8cd98f00b204e9800998ecf8427e"};

    apr_cpystrn(sample.parts_text, "nobody", sizeof(sample.parts_text));
    sample.parts_id = sample.parts_text;
    STG_CHECK_FAILS(put_sample(&part, &sample, fixture.budget, fixture.p),
                    STG_E_NOT_FOUND);
    STG_CHECK_FAILS(finish_sample(&sample, &part, 1), STG_E_NOT_FOUND);
    CU_ASSERT_EQUAL(list_found()->nelts, 0);
}

static void what_was_begun_in_parts_is_listed(void)
{
    stg_stored_part_t part = {.number = 1, .size = PART};
    sample_t sample = sample_of(PART + 1);
    const stg_found_t *found;
    apr_array_header_t *list;

    STG_CHECK_OK(begin_sample(&sample));
    for (int i = 0; i < 2; i++) {
        list = list_found();
        CU_ASSERT_EQUAL(list->nelts, 1);
        if (list->nelts != 1)
            return;
        found = &APR_ARRAY_IDX(list, 0, stg_found_t);
        STG_CHECK_TEXT(found->key, sample.key);
        STG_CHECK_TEXT(found->parts_id, sample.parts_id);
        CU_ASSERT(found->is_temporary);
        put(&part, &sample);
    }
}

static void beginning_parts_twice_leaves_no_stray(void)
{
    sample_t sample = sample_of(REST);
    stg_stored_part_t part = {.number = 1, .size = REST};

    STG_CHECK_OK(begin_sample(&sample));
    STG_CHECK_OK(begin_sample(&sample));
    CU_ASSERT_EQUAL(list_found()->nelts, 1);
    put(&part, &sample);
    STG_CHECK_OK(finish_sample(&sample, &part, 1));
    check_whole(&sample);
}

static stg_error_t *refuse(void *context, const char *parts_id, apr_pool_t *p)
{
    (void)context;
    (void)parts_id;
    return stg_raise(p, STG_E_CONFLICT, "no longer ours");
}

static void parts_that_the_database_refused_can_be_removed(void)
{
    const stg_object_spec_t spec = {
        .key = new_key(), .size = -1, .on_parts_begun = refuse};
    const stg_unfinished_t what = {.key = spec.key, .size = -1};

    STG_CHECK_FAILS(CALL(begin_parts, fixture.store, &spec, fixture.p),
                    STG_E_CONFLICT);
    if (fixture.store->driver != &stg_store_file_driver)
        CU_ASSERT_EQUAL(list_found()->nelts, 0);
    STG_CHECK_OK(CALL(remove, fixture.store, &what, 1, fixture.p));
    CU_ASSERT_EQUAL(list_found()->nelts, 0);
}

static void a_part_that_found_no_memory_is_the_same(void)
{
    sample_t sample = sample_of(usual_size);
    stg_stored_part_t parts[PARTS];
    const char *folder;
    stg_part_budget_t *none;

    apr_temp_dir_get(&folder, fixture.p);
    none = stg_part_budget_create(0, folder, fixture.p);
    usual_parts(parts);
    STG_CHECK_OK(begin_sample(&sample));
    for (int i = 0; i < PARTS; i++)
        STG_CHECK_OK(put_sample(&parts[i], &sample, none, fixture.p));
    STG_CHECK_OK(finish_sample(&sample, parts, PARTS));
    check_whole(&sample);
}

static void keys_of_others_are_refused_for_parts(void)
{
    stg_stored_part_t part = {.number = 1, .size = 1};
    sample_t sample = {.size = 1, .key = "../../etc/passwd"};

    STG_CHECK_FAILS(begin_sample(&sample), STG_E_INTERNAL);
    STG_CHECK_FAILS(put_sample(&part, &sample, fixture.budget, fixture.p),
                    STG_E_INTERNAL);
    STG_CHECK_FAILS(finish_sample(&sample, &part, 1), STG_E_INTERNAL);
}

static void the_store_says_how_it_wants_parts(void)
{
    const stg_store_t *store = fixture.store;

    CU_ASSERT(store->part_size > 0);
    CU_ASSERT(store->part_size >= store->least_part);
    CU_ASSERT(store->parallel >= 0);
    CU_ASSERT(store->most_parts == 0 || store->most_parts >= 1000);
}

void add_parts_suite(const char *name)
{
    CU_pSuite suite = CU_add_suite_with_setup_and_teardown(
        name, NULL, NULL, begin_test, end_test);

    STG_TEST(suite, the_store_says_how_it_wants_parts);
    STG_TEST(suite, parts_come_in_any_order_and_at_once);
    STG_TEST(suite, one_short_part_is_an_object);
    STG_TEST(suite, numbers_of_parts_may_have_gaps);
    STG_TEST(suite, segments_do_not_mix);
    STG_TEST(suite, a_late_part_of_an_older_segment_changes_nothing);
    STG_TEST(suite, finishing_parts_twice_succeeds);
    STG_TEST(suite, a_part_overwritten_behind_us_never_passes);
    STG_TEST(suite, a_part_that_never_came_is_missed);
    STG_TEST(suite, parts_that_do_not_make_up_the_object_are_refused);
    STG_TEST(suite, only_the_last_part_may_be_short);
    STG_TEST(suite, removed_parts_are_gone);
    STG_TEST(suite, parts_that_nobody_began_are_not_taken);
    STG_TEST(suite, what_was_begun_in_parts_is_listed);
    STG_TEST(suite, beginning_parts_twice_leaves_no_stray);
    STG_TEST(suite, parts_that_the_database_refused_can_be_removed);
    STG_TEST(suite, a_part_that_found_no_memory_is_the_same);
    STG_TEST(suite, keys_of_others_are_refused_for_parts);
}
