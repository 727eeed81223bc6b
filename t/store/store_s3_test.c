/* SPDX-License-Identifier: Apache-2.0 */
/* What only the S3 driver does. */
#include "store_fixture.h"

#include "store/s3_object.h"
#include "store/s3_upload.h"

#include <apr_strings.h>

enum { PART = 5 * MIB, REST = 345, PARTS = 3 };

/* That of s3_sift.c. */
static const char sign[] =
    "filling of mod_staging: 8d1f0c52-6b39-4b0e-9a57-f2c4d7e1630b";

static stg_s3_store_t *s3(void)
{
    return (stg_s3_store_t *)fixture.store;
}

/* Begun, and sent with numbers that leave room for others: 2, 11 and 20. */
static void put_with_gaps(sample_t *sample, stg_stored_part_t *parts,
                          apr_off_t last)
{
    *sample =
        (sample_t){.seed = 4711, .size = 2 * PART + last, .key = new_key()};
    STG_CHECK_OK(begin_sample(sample));
    for (int i = 0; i < PARTS; i++) {
        parts[i] = (stg_stored_part_t){.number = 2 + 9 * i,
                                       .first = i * (apr_off_t)PART,
                                       .size = i < 2 ? PART : last};
        STG_CHECK_OK(put_sample(&parts[i], sample, fixture.budget, fixture.p));
    }
}

static void check_whole(const sample_t *sample)
{
    int is_equal = 0;

    STG_CHECK_OK(compare_range(&is_equal, sample, 0, -1, fixture.p));
    CU_ASSERT(is_equal);
    CU_ASSERT_EQUAL(list_found()->nelts, 1);
}

static void put_stray(const sample_t *sample, int number, apr_off_t size)
{
    sample_t other = *sample;
    stg_stored_part_t part = {.number = number, .size = size};

    other.seed++;
    STG_CHECK_OK(put_sample(&part, &other, fixture.budget, fixture.p));
}

/* Above a last part that is short there are none. */
static void parts_that_do_not_count_do_no_harm_of_any_size(void)
{
    static const apr_off_t lasts[] = {REST, PART};
    static const int numbers[] = {1, 3, 4, 12, 21, 30};
    static const apr_off_t sizes[] = {REST, PART + 1, 1, PART - 1, 6 * MIB, 10};

    for (int turn = 0; turn < 2; turn++) {
        stg_stored_part_t parts[PARTS];
        sample_t sample;

        put_with_gaps(&sample, parts, lasts[turn]);
        for (int i = 0; i < (turn ? 6 : 4); i++)
            put_stray(&sample, numbers[i], sizes[i]);
        for (int i = 0; i < 2; i++) {
            STG_CHECK_OK(finish_sample(&sample, parts, PARTS));
            check_whole(&sample);
        }
        STG_CHECK_OK(remove_sample(&sample));
    }
}

static void among_parts_that_do_not_count_an_overwritten_one_is_seen(void)
{
    stg_stored_part_t parts[PARTS];
    stg_found_t found;
    sample_t sample;

    put_with_gaps(&sample, parts, REST);
    put_stray(&sample, 3, PART);
    put_stray(&sample, parts[1].number, PART);
    STG_CHECK_FAILS(finish_sample(&sample, parts, PARTS), STG_E_STORE_FAILED);
    STG_CHECK_FAILS(find_sample(&found, &sample), STG_E_NOT_FOUND);
}

static void put_filling(const sample_t *sample, int number)
{
    stg_part_buffer_t *buffer =
        stg_part_buffer_create(fixture.budget, fixture.p);
    stg_stored_part_t part = {.number = number};
    stg_unfinished_t what = unfinished(sample);
    char *zeros = apr_pcalloc(fixture.p, PART);

    memcpy(zeros, sign, sizeof(sign));
    stg_part_buffer_clear(buffer, PART);
    STG_CHECK_OK(stg_part_buffer_add(buffer, zeros, PART, fixture.p));
    STG_CHECK_OK(fixture.store->driver->put_part(&part, fixture.store, &what,
                                                 buffer, fixture.p));
}

/* Those that count and the fillings are the object already, and copying them
 * out of it was begun. */
static void sifting_goes_on_after_a_crash(void)
{
    static const int numbers[] = {1, 3, 4, 15, 19};
    stg_stored_part_t parts[PARTS];
    apr_array_header_t *listed;
    stg_s3_upload_t begun = {.store = s3()};
    stg_object_spec_t spec = {.token = "conformance"};
    sample_t sample;

    put_with_gaps(&sample, parts, REST);
    for (int i = 0; i < 5; i++)
        put_filling(&sample, numbers[i]);
    STG_CHECK_OK(stg_s3_store_key(&begun.key, s3(), sample.key, fixture.p));
    STG_CHECK_OK(stg_s3_object_list_parts(&listed, s3()->client, begun.key,
                                          sample.parts_id, fixture.p));
    CU_ASSERT_EQUAL(listed->nelts, PARTS + 5);
    STG_CHECK_OK(stg_s3_object_complete(s3()->client, begun.key,
                                        sample.parts_id, listed, fixture.p));
    spec.key = sample.key;
    STG_CHECK_OK(stg_s3_upload_begin(&begun, &spec, fixture.p));
    CU_ASSERT_EQUAL(list_found()->nelts, 2);
    STG_CHECK_OK(finish_sample(&sample, parts, PARTS));
    check_whole(&sample);
}

static void an_upload_that_only_the_store_knows_goes_with_its_object(void)
{
    stg_s3_upload_t begun = {.store = s3()};
    stg_object_spec_t spec = {.token = "conformance"};
    stg_stored_part_t parts[PARTS];
    sample_t sample;

    put_with_gaps(&sample, parts, REST);
    spec.key = sample.key;
    STG_CHECK_OK(stg_s3_store_key(&begun.key, s3(), sample.key, fixture.p));
    STG_CHECK_OK(stg_s3_upload_begin(&begun, &spec, fixture.p));
    STG_CHECK_OK(remove_sample(&sample));
    CU_ASSERT_EQUAL(list_found()->nelts, 0);
}

void add_s3_suite(void)
{
    CU_pSuite suite = CU_add_suite_with_setup_and_teardown(
        "s3 only", NULL, NULL, begin_test, end_test);

    STG_TEST(suite, parts_that_do_not_count_do_no_harm_of_any_size);
    STG_TEST(suite, among_parts_that_do_not_count_an_overwritten_one_is_seen);
    STG_TEST(suite, sifting_goes_on_after_a_crash);
    STG_TEST(suite, an_upload_that_only_the_store_knows_goes_with_its_object);
}
