/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3_object.h"
#include "store/s3_parts.h"
#include "base/text.h"

#include "check.h"

#include <apr_strings.h>

#include <jansson.h>

#include <sys/stat.h>
#include <unistd.h>

static apr_pool_t *pool;

static const apr_off_t mib = 1024 * 1024;

static int set_up(void)
{
    return apr_pool_create(&pool, NULL) != APR_SUCCESS;
}

static int tear_down(void)
{
    apr_pool_destroy(pool);
    return 0;
}

static void ten_thousand_parts_reach_five_tebibytes(void)
{
    static const apr_off_t firsts[] = {5, 8, 16, 100, 1024};

    for (int i = 0; i < 5; i++) {
        apr_off_t sent = 0, largest = 0;

        for (int part = 0; part < 10000; part++) {
            apr_off_t size = stg_s3_part_size(firsts[i] * mib, sent);

            largest = size > largest ? size : largest;
            sent += size;
        }
        CU_ASSERT(sent >= 5 * mib * mib);
        CU_ASSERT(largest <= 5 * 1024 * mib);
    }
}

static void parts_stay_small_for_usual_objects(void)
{
    CU_ASSERT(stg_s3_part_size(16 * mib, 0) == 16 * mib);
    CU_ASSERT(stg_s3_part_size(16 * mib, 10 * 1024 * mib) == 16 * mib);
}

static void etags_of_parts_agree_with_the_vectors(void)
{
    json_t *file =
        json_load_file(STG_FIXTURES "/sigv4/checksums.json", 0, NULL);
    json_t *object, *part;
    size_t i, k;

    CU_ASSERT_FATAL(json_array_size(json_object_get(file, "multipart")) > 0);
    json_array_foreach(json_object_get(file, "multipart"), i, object)
    {
        unsigned char md5s[16 * 16];
        apr_size_t count;

        json_array_foreach(json_object_get(object, "parts"), k, part)
            memcpy(md5s + 16 * k,
                   stg_unhex(json_string_value(json_object_get(part, "etag")),
                             &count, pool),
                   16);
        STG_CHECK_TEXT(stg_s3_etag_of_parts(md5s, (int)k, pool),
                       json_string_value(json_object_get(object, "etag")));
    }
    json_decref(file);
}

static const char *folder(void)
{
    const char *path;

    apr_temp_dir_get(&path, pool);
    return path;
}

static stg_error_t *fill(stg_part_buffer_t *buffer, apr_off_t size)
{
    static char block[100000];

    memset(block, 'A', sizeof(block));
    while (size > 0) {
        apr_size_t n =
            size < (apr_off_t)sizeof(block) ? (apr_size_t)size : sizeof(block);

        STG_TRY(stg_part_buffer_add(buffer, block, n, pool));
        size -= (apr_off_t)n;
    }
    return STG_OK;
}

/* MD5 of five MiB of 'A', from checksums.json. */
static void check_md5(const stg_part_buffer_t *buffer)
{
    unsigned char md5[STG_PART_MD5_BYTES];

    STG_CHECK_OK(stg_part_buffer_md5(md5, buffer, pool));
    STG_CHECK_TEXT(stg_hex(md5, sizeof(md5), pool),
                   "b8fc857a25e7958868c2f003d5e0952d");
}

static void a_part_beyond_the_budget_moves_to_a_file(void)
{
    stg_part_budget_t *budget = stg_part_budget_create(7 * mib, folder(), pool);
    stg_part_buffer_t *first = stg_part_buffer_create(budget, pool);
    stg_part_buffer_t *second = stg_part_buffer_create(budget, pool);

    stg_part_buffer_clear(first, 5 * mib);
    stg_part_buffer_clear(second, 5 * mib);
    STG_CHECK_OK(fill(first, 5 * mib));
    CU_ASSERT_PTR_NOT_NULL(stg_part_buffer_memory(first));
    CU_ASSERT(stg_part_budget_used(budget) == 5 * mib);
    STG_CHECK_OK(fill(second, 5 * mib));
    CU_ASSERT_PTR_NULL(stg_part_buffer_memory(second));
    CU_ASSERT(stg_part_buffer_fd(second) >= 0);
    CU_ASSERT(stg_part_budget_used(budget) == 5 * mib);
    check_md5(first);
    check_md5(second);
    stg_part_buffer_clear(first, 0);
    stg_part_buffer_clear(second, 0);
    CU_ASSERT(stg_part_budget_used(budget) == 0);
    CU_ASSERT(stg_part_buffer_fd(second) < 0);
}

static void a_small_body_costs_little_of_the_budget(void)
{
    stg_part_budget_t *budget =
        stg_part_budget_create(16 * mib, folder(), pool);
    stg_part_buffer_t *buffer = stg_part_buffer_create(budget, pool);

    stg_part_buffer_clear(buffer, 1024 * mib);
    STG_CHECK_OK(fill(buffer, 4096));
    CU_ASSERT_PTR_NOT_NULL(stg_part_buffer_memory(buffer));
    CU_ASSERT(stg_part_budget_used(budget) < mib);
    stg_part_buffer_clear(buffer, 0);
}

static void a_missing_folder_is_an_error(void)
{
    stg_part_budget_t *budget = stg_part_budget_create(0, "/nowhere", pool);
    stg_part_buffer_t *buffer = stg_part_buffer_create(budget, pool);

    stg_part_buffer_clear(buffer, mib);
    STG_CHECK_FAILS(fill(buffer, 1), STG_E_INTERNAL);
}

void stg_s3_parts_suite(void)
{
    CU_pSuite suite = CU_add_suite("s3_parts", set_up, tear_down);

    STG_TEST(suite, ten_thousand_parts_reach_five_tebibytes);
    STG_TEST(suite, parts_stay_small_for_usual_objects);
    STG_TEST(suite, etags_of_parts_agree_with_the_vectors);
    STG_TEST(suite, a_part_beyond_the_budget_moves_to_a_file);
    STG_TEST(suite, a_small_body_costs_little_of_the_budget);
    STG_TEST(suite, a_missing_folder_is_an_error);
}
