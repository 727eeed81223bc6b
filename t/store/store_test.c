/* SPDX-License-Identifier: Apache-2.0 */
/* What every store does. A driver is done when it passes. */
#include "store_fixture.h"

#include <apr_strings.h>
#include <apr_thread_proc.h>

#include <unistd.h>

#define CALL(function, ...) fixture.store->driver->function(__VA_ARGS__)

/* More than two parts of the smallest size that S3 allows. */
enum { SEVERAL_PARTS = 12 * MIB + 345 };

static sample_t sample_of(apr_off_t size)
{
    static unsigned int seed;

    return (sample_t){.seed = ++seed, .size = size, .key = new_key()};
}

static void check_whole(const sample_t *sample)
{
    int is_equal = 0;

    STG_CHECK_OK(compare_range(&is_equal, sample, 0, -1, fixture.p));
    CU_ASSERT(is_equal);
}

static void check_absent(const sample_t *sample)
{
    stg_found_t found;

    STG_CHECK_FAILS(find_sample(&found, sample), STG_E_NOT_FOUND);
}

static void written_object_reads_back_unchanged(void)
{
    static const apr_off_t sizes[] = {
        0, 1, 64 * KIB - 1, 64 * KIB, 5 * MIB, 5 * MIB + 1, MIB + 1, 20 * MIB};
    static const apr_size_t blocks[] = {0, 7919, 256 * KIB};

    for (unsigned int i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        for (unsigned int j = 0; j < sizeof(blocks) / sizeof(*blocks); j++) {
            sample_t sample = sample_of(sizes[i]);
            stg_found_t found = {.size = -1};

            sample.block = blocks[j];
            STG_CHECK_OK(write_finished_sample(&sample, fixture.p));
            CU_ASSERT_EQUAL(sample.receipt.size, sample.size);
            STG_CHECK_OK(find_sample(&found, &sample));
            STG_CHECK_TEXT(found.key, sample.key);
            CU_ASSERT_EQUAL(found.size, sample.size);
            CU_ASSERT(!found.is_temporary);
            check_whole(&sample);
            STG_CHECK_OK(remove_sample(&sample));
        }
    }
}

static void a_range_reads_as_asked(void)
{
    static const apr_off_t ranges[][2] = {
        {0, 1},           {64 * KIB - 1, 2},  {3 * MIB - 1, 1}, {100, 0},
        {300 * KIB, MIB}, {3 * MIB - 10, -1}, {0, 3 * MIB}};
    sample_t sample = sample_of(3 * MIB);

    STG_CHECK_OK(write_finished_sample(&sample, fixture.p));
    for (unsigned int i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
        int is_equal = 0;

        STG_CHECK_OK(compare_range(&is_equal, &sample, ranges[i][0],
                                   ranges[i][1], fixture.p));
        CU_ASSERT(is_equal);
    }
}

static void a_range_beyond_the_end_fails(void)
{
    sample_t sample = sample_of(1000);
    int is_equal;

    STG_CHECK_OK(write_finished_sample(&sample, fixture.p));
    STG_CHECK_FAILS(compare_range(&is_equal, &sample, 999, 2, fixture.p),
                    STG_E_STORE_FAILED);
    STG_CHECK_FAILS(compare_range(&is_equal, &sample, 5000, 1, fixture.p),
                    STG_E_STORE_FAILED);
    STG_CHECK_FAILS(compare_range(&is_equal, &sample, 5000, -1, fixture.p),
                    STG_E_STORE_FAILED);
}

static void a_failing_sink_ends_the_read(void)
{
    sample_t sample = sample_of(2 * MIB);
    stg_sink_t *small;

    STG_CHECK_OK(write_finished_sample(&sample, fixture.p));
    small = stg_memory_sink(stg_memory_sink_create(KIB, fixture.p));
    STG_CHECK_FAILS(
        CALL(read, fixture.store, sample.key, 0, -1, small, fixture.p),
        STG_E_TOO_LARGE);
}

static void what_is_absent_is_not_found(void)
{
    sample_t sample = sample_of(10);
    stg_unfinished_t what = unfinished(&sample);
    int is_equal;

    check_absent(&sample);
    STG_CHECK_FAILS(compare_range(&is_equal, &sample, 0, -1, fixture.p),
                    STG_E_NOT_FOUND);
    STG_CHECK_FAILS(CALL(finish, fixture.store, &what, fixture.p),
                    STG_E_NOT_FOUND);
}

static void unclosed_object_never_appears(void)
{
    static const apr_off_t sizes[] = {0, 1000, SEVERAL_PARTS};

    for (int i = 0; i < 3; i++) {
        sample_t sample = sample_of(sizes[i]);
        apr_pool_t *own;
        stg_sink_t *sink;

        apr_pool_create(&own, fixture.p);
        STG_CHECK_OK(open_sample(&sink, &sample, own));
        STG_CHECK_OK(fill_sample(sink, &sample));
        check_absent(&sample);
        apr_pool_destroy(own);
        check_absent(&sample);
        CU_ASSERT_EQUAL(list_found()->nelts, 0);
    }
}

static void an_announced_size_must_come(void)
{
    sample_t sample = sample_of(1000);
    stg_object_spec_t spec = {
        .key = sample.key, .size = 1001, .receipt = &sample.receipt};
    stg_sink_t *sink;
    apr_pool_t *own;

    apr_pool_create(&own, fixture.p);
    STG_CHECK_OK(CALL(create, &sink, fixture.store, &spec, own));
    STG_CHECK_OK(fill_sample(sink, &sample));
    STG_CHECK_FAILS(stg_sink_close(sink), STG_E_STORE_FAILED);
    apr_pool_destroy(own);
    check_absent(&sample);

    spec.size = sample.size;
    STG_CHECK_OK(CALL(create, &sink, fixture.store, &spec, fixture.p));
    STG_CHECK_OK(fill_sample(sink, &sample));
    STG_CHECK_OK(stg_sink_close(sink));
    check_whole(&sample);
}

static void removing_what_is_not_there_succeeds(void)
{
    sample_t sample = sample_of(0);

    STG_CHECK_OK(remove_sample(&sample));
    STG_CHECK_OK(CALL(remove, fixture.store, NULL, 0, fixture.p));
}

static void one_call_removes_a_thousand(void)
{
    enum { COUNT = 1000 };
    stg_unfinished_t *what = apr_pcalloc(fixture.p, COUNT * sizeof(*what));
    sample_t kept = sample_of(10);
    sample_t removed[3];

    for (int i = 0; i < COUNT; i++)
        what[i].key = new_key();
    for (int i = 0; i < 3; i++) {
        removed[i] = sample_of(10);
        STG_CHECK_OK(write_finished_sample(&removed[i], fixture.p));
        what[i * 499].key = removed[i].key;
    }
    STG_CHECK_OK(write_finished_sample(&kept, fixture.p));
    STG_CHECK_OK(CALL(remove, fixture.store, what, COUNT, fixture.p));
    for (int i = 0; i < 3; i++)
        check_absent(&removed[i]);
    check_whole(&kept);
}

static void list_shows_objects_and_unfinished(void)
{
    sample_t object = sample_of(MIB);
    sample_t open = sample_of(SEVERAL_PARTS);
    const stg_found_t *found;
    apr_array_header_t *list;
    stg_sink_t *sink;

    STG_CHECK_OK(open_sample(&sink, &open, fixture.p));
    STG_CHECK_OK(fill_sample(sink, &open));
    STG_CHECK_OK(write_finished_sample(&object, fixture.p));
    list = list_found();
    CU_ASSERT_EQUAL(list->nelts, 2);
    if (list->nelts != 2)
        return;
    found = &APR_ARRAY_IDX(list, 0, stg_found_t);
    STG_CHECK_TEXT(found->key, object.key);
    CU_ASSERT_EQUAL(found->size, object.size);
    CU_ASSERT(!found->is_temporary);
    found = &APR_ARRAY_IDX(list, 1, stg_found_t);
    STG_CHECK_TEXT(found->key, open.key);
    STG_CHECK_TEXT(found->parts_id, open.parts_id);
    CU_ASSERT(found->is_temporary);
}

static stg_error_t *refuse_found(void *context, const stg_found_t *found,
                                 apr_pool_t *p)
{
    (void)found;
    ++*(int *)context;
    return stg_raise(p, STG_E_CONFLICT, "enough");
}

static void an_error_ends_the_listing(void)
{
    sample_t first = sample_of(1);
    sample_t second = sample_of(1);
    int calls = 0;

    STG_CHECK_OK(write_finished_sample(&first, fixture.p));
    STG_CHECK_OK(write_finished_sample(&second, fixture.p));
    STG_CHECK_FAILS(CALL(list, fixture.store, refuse_found, &calls, fixture.p),
                    STG_E_CONFLICT);
    CU_ASSERT_EQUAL(calls, 1);
}

static void parts_are_finished_and_verified(void)
{
    sample_t sample = sample_of(SEVERAL_PARTS);
    stg_unfinished_t what;

    STG_CHECK_OK(write_sample(&sample, fixture.p));
    CU_ASSERT_EQUAL(sample.receipt.size, sample.size);
    if (!sample.receipt.is_finished) {
        CU_ASSERT_PTR_NOT_NULL(sample.parts_id);
        check_absent(&sample);
    }
    what = unfinished(&sample);
    STG_CHECK_OK(CALL(finish, fixture.store, &what, fixture.p));
    check_whole(&sample);
    CU_ASSERT_EQUAL(list_found()->nelts, 1);
    what.size++;
    STG_CHECK_FAILS(CALL(finish, fixture.store, &what, fixture.p),
                    STG_E_STORE_FAILED);
}

static void finishing_twice_succeeds(void)
{
    sample_t sample = sample_of(SEVERAL_PARTS);
    stg_unfinished_t what;

    STG_CHECK_OK(write_sample(&sample, fixture.p));
    what = unfinished(&sample);
    STG_CHECK_OK(CALL(finish, fixture.store, &what, fixture.p));
    STG_CHECK_OK(CALL(finish, fixture.store, &what, fixture.p));
    check_whole(&sample);
}

static void aborted_parts_are_gone(void)
{
    sample_t sample = sample_of(SEVERAL_PARTS);
    stg_unfinished_t what;

    STG_CHECK_OK(write_sample(&sample, fixture.p));
    STG_CHECK_OK(remove_sample(&sample));
    what = unfinished(&sample);
    STG_CHECK_FAILS(CALL(finish, fixture.store, &what, fixture.p),
                    STG_E_NOT_FOUND);
    check_absent(&sample);
    CU_ASSERT_EQUAL(list_found()->nelts, 0);
}

static void parts_whose_id_was_lost_are_gone(void)
{
    sample_t sample = sample_of(SEVERAL_PARTS);
    stg_unfinished_t what = {.size = -1};

    STG_CHECK_OK(write_sample(&sample, fixture.p));
    what.key = sample.key;
    STG_CHECK_OK(CALL(remove, fixture.store, &what, 1, fixture.p));
    CU_ASSERT_EQUAL(list_found()->nelts, 0);
}

/* Only S3 lets parts be begun under the key of an object. */
static void removing_what_is_unfinished_keeps_the_object(void)
{
    sample_t whole = sample_of(KIB);
    sample_t parts = sample_of(SEVERAL_PARTS);
    stg_unfinished_t what = {.size = -1, .is_object_kept = 1};

    STG_CHECK_OK(write_finished_sample(&whole, fixture.p));
    if (fixture.store->driver == &stg_store_s3_driver)
        parts.key = whole.key;
    STG_CHECK_OK(write_sample(&parts, fixture.p));
    for (int i = 0; i < 2; i++) {
        what.key = i ? parts.key : whole.key;
        STG_CHECK_OK(CALL(remove, fixture.store, &what, 1, fixture.p));
    }
    check_whole(&whole);
    CU_ASSERT_EQUAL(list_found()->nelts, parts.receipt.is_finished ? 2 : 1);
}

typedef struct writer_t {
    sample_t sample;
    apr_pool_t *p;
    stg_error_t *err;
    int is_equal;
} writer_t;

static void *APR_THREAD_FUNC write_and_compare(apr_thread_t *thread, void *data)
{
    writer_t *writer = data;

    writer->err = write_finished_sample(&writer->sample, writer->p);
    if (!writer->err)
        writer->err =
            compare_range(&writer->is_equal, &writer->sample, 0, -1, writer->p);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static void objects_at_once_do_not_mix(void)
{
    enum { COUNT = 6 };
    writer_t writers[COUNT];
    apr_thread_t *threads[COUNT];
    apr_status_t status;

    for (int i = 0; i < COUNT; i++) {
        writers[i] = (writer_t){.sample = sample_of(i * 2 * MIB + i)};
        apr_pool_create(&writers[i].p, NULL);
    }
    for (int i = 0; i < COUNT; i++)
        apr_thread_create(&threads[i], NULL, write_and_compare, &writers[i],
                          fixture.p);
    for (int i = 0; i < COUNT; i++) {
        apr_thread_join(&status, threads[i]);
        STG_CHECK_OK(writers[i].err);
        CU_ASSERT(writers[i].is_equal);
    }
    for (int i = 0; i < COUNT; i++)
        apr_pool_destroy(writers[i].p);
}

static void foreign_keys_are_refused(void)
{
    static const char *const keys[] = {
        "",
        "x",
        "../../etc/passwd",
        "12/../../../etc/passwd-aaaa-aaaaaaaaaaa",
        "12345678-1234-4234-8234-123456789abc",
        "13/12345678-1234-4234-8234-123456789abc",
        "12/12345678-1234-4234-8234-123456789ABC",
        "12/12345678-1234-4234-8234-123456789abc/..",
        "/12/12345678-1234-4234-8234-123456789abc"};

    for (unsigned int i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        sample_t sample = sample_of(1);
        stg_found_t found;
        stg_sink_t *sink;
        int is_equal;

        sample.key = keys[i];
        STG_CHECK_FAILS(open_sample(&sink, &sample, fixture.p), STG_E_INTERNAL);
        STG_CHECK_FAILS(find_sample(&found, &sample), STG_E_INTERNAL);
        STG_CHECK_FAILS(compare_range(&is_equal, &sample, 0, -1, fixture.p),
                        STG_E_INTERNAL);
        STG_CHECK_FAILS(remove_sample(&sample), STG_E_INTERNAL);
    }
}

static void the_store_answers_and_describes_itself(void)
{
    const char *summary = NULL;

    STG_CHECK_OK(CALL(ping, fixture.store, fixture.p));
    STG_CHECK_OK(CALL(probe, &summary, fixture.store, new_key(), fixture.p));
    CU_ASSERT_PTR_NOT_NULL_FATAL(summary);
    CU_ASSERT_PTR_NULL(strchr(summary, '\n'));
    CU_ASSERT_EQUAL(list_found()->nelts, 0);
    printf("(%s) ", summary);
}

/* Resident memory of this process in bytes. */
static apr_off_t resident(void)
{
    FILE *statm = fopen("/proc/self/statm", "r");
    long pages = 0;

    if (!statm || fscanf(statm, "%*d %ld", &pages) != 1)
        pages = 0;
    if (statm)
        fclose(statm);
    return (apr_off_t)pages * sysconf(_SC_PAGESIZE);
}

static void a_large_object_needs_no_memory_of_its_size(void)
{
    sample_t small = sample_of(SEVERAL_PARTS);
    sample_t large = sample_of(256LL * MIB);
    apr_off_t before;

    if (fixture.memory_allowed < 0)
        return;
    large.block = 256 * KIB;
    STG_CHECK_OK(write_finished_sample(&small, fixture.p));
    check_whole(&small);
    before = resident();
    STG_CHECK_OK(write_finished_sample(&large, fixture.p));
    check_whole(&large);
    CU_ASSERT(resident() - before < fixture.memory_allowed);
}

void add_conformance_suite(const char *name)
{
    CU_pSuite suite = CU_add_suite_with_setup_and_teardown(
        name, NULL, NULL, begin_test, end_test);

    STG_TEST(suite, the_store_answers_and_describes_itself);
    STG_TEST(suite, written_object_reads_back_unchanged);
    STG_TEST(suite, a_range_reads_as_asked);
    STG_TEST(suite, a_range_beyond_the_end_fails);
    STG_TEST(suite, a_failing_sink_ends_the_read);
    STG_TEST(suite, what_is_absent_is_not_found);
    STG_TEST(suite, unclosed_object_never_appears);
    STG_TEST(suite, an_announced_size_must_come);
    STG_TEST(suite, removing_what_is_not_there_succeeds);
    STG_TEST(suite, one_call_removes_a_thousand);
    STG_TEST(suite, list_shows_objects_and_unfinished);
    STG_TEST(suite, an_error_ends_the_listing);
    STG_TEST(suite, parts_are_finished_and_verified);
    STG_TEST(suite, finishing_twice_succeeds);
    STG_TEST(suite, aborted_parts_are_gone);
    STG_TEST(suite, parts_whose_id_was_lost_are_gone);
    STG_TEST(suite, removing_what_is_unfinished_keeps_the_object);
    STG_TEST(suite, objects_at_once_do_not_mix);
    STG_TEST(suite, foreign_keys_are_refused);
    STG_TEST(suite, a_large_object_needs_no_memory_of_its_size);
}
