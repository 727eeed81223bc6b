/* SPDX-License-Identifier: Apache-2.0 */
/* What only the file driver does. */
#include "store_fixture.h"

#include "store/store_file.h"

#include <apr_strings.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const stg_file_store_t *files(void)
{
    return (const stg_file_store_t *)fixture.store;
}

static sample_t sample_of(apr_off_t size)
{
    return (sample_t){.seed = 77, .size = size, .key = new_key()};
}

static void check_absent(const sample_t *sample)
{
    stg_found_t found;

    STG_CHECK_FAILS(find_sample(&found, sample), STG_E_NOT_FOUND);
}

static void put_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

    CU_ASSERT(fd >= 0 && write(fd, "here", 4) == 4);
    close(fd);
}

static void directories_are_for_their_owner_only(void)
{
    const char *paths[] = {files()->dir, stg_file_temp_dir(files(), fixture.p),
                           stg_file_object_dir(files(), 0xab, fixture.p)};

    for (int i = 0; i < 3; i++) {
        struct stat st = {0};

        CU_ASSERT_EQUAL(stat(paths[i], &st), 0);
        CU_ASSERT_EQUAL(st.st_mode & 0777, 0700);
    }
}

static void killed_writer_leaves_only_a_temporary_file(void)
{
    sample_t sample = sample_of(20 * MIB);
    apr_array_header_t *list;
    pid_t child = fork();

    if (child == 0) {
        stg_sink_t *sink;

        if (open_sample(&sink, &sample, fixture.p) ||
            fill_sample(sink, &sample))
            _exit(1);
        raise(SIGKILL);
    }
    CU_ASSERT_EQUAL(waitpid(child, NULL, 0), child);
    check_absent(&sample);
    list = list_found();
    CU_ASSERT_EQUAL(list->nelts, 1);
    if (list->nelts == 1) {
        STG_CHECK_TEXT(APR_ARRAY_IDX(list, 0, stg_found_t).key, sample.key);
        CU_ASSERT(APR_ARRAY_IDX(list, 0, stg_found_t).is_temporary);
    }
    STG_CHECK_OK(remove_sample(&sample));
    CU_ASSERT_EQUAL(list_found()->nelts, 0);
}

static void an_object_removed_while_it_comes_never_appears(void)
{
    sample_t sample = sample_of(MIB);
    stg_sink_t *sink;

    STG_CHECK_OK(open_sample(&sink, &sample, fixture.p));
    STG_CHECK_OK(fill_sample(sink, &sample));
    STG_CHECK_OK(remove_sample(&sample));
    STG_CHECK_FAILS(stg_sink_close(sink), STG_E_STORE_FAILED);
    check_absent(&sample);
}

static void two_sinks_of_one_key_are_refused(void)
{
    sample_t sample = sample_of(MIB);
    stg_sink_t *first;
    stg_sink_t *second;
    apr_pool_t *own;

    apr_pool_create(&own, fixture.p);
    STG_CHECK_OK(open_sample(&first, &sample, fixture.p));
    STG_CHECK_FAILS(open_sample(&second, &sample, own), STG_E_STORE_FAILED);
    apr_pool_destroy(own);
    STG_CHECK_OK(fill_sample(first, &sample));
    STG_CHECK_OK(stg_sink_close(first));
}

static void an_object_is_never_replaced(void)
{
    sample_t sample = sample_of(MIB);
    stg_found_t found = {0};
    stg_sink_t *sink;

    STG_CHECK_OK(open_sample(&sink, &sample, fixture.p));
    STG_CHECK_OK(fill_sample(sink, &sample));
    put_file(stg_file_object_path(files(), sample.key, fixture.p));
    STG_CHECK_FAILS(stg_sink_close(sink), STG_E_STORE_FAILED);
    STG_CHECK_OK(find_sample(&found, &sample));
    CU_ASSERT_EQUAL(found.size, 4);
}

static void a_failed_write_leaves_nothing(void)
{
    sample_t sample = sample_of(4 * MIB);
    struct rlimit unlimited;
    struct rlimit small;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &unlimited);
    small = unlimited;
    small.rlim_cur = MIB;
    setrlimit(RLIMIT_FSIZE, &small);
    STG_CHECK_FAILS(write_sample(&sample, fixture.p), STG_E_STORE_FAILED);
    setrlimit(RLIMIT_FSIZE, &unlimited);
    CU_ASSERT_EQUAL(list_found()->nelts, 0);
}

static void a_lost_volume_is_not_an_empty_store(void)
{
    const char *away = apr_pstrcat(fixture.p, files()->dir, ".away", NULL);
    sample_t sample = sample_of(10);
    stg_found_t found;

    STG_CHECK_OK(write_sample(&sample, fixture.p));
    CU_ASSERT_EQUAL(rename(files()->dir, away), 0);
    STG_CHECK_FAILS(find_sample(&found, &sample), STG_E_STORE_DOWN);
    STG_CHECK_FAILS(remove_sample(&sample), STG_E_STORE_DOWN);
    STG_CHECK_FAILS(fixture.store->driver->ping(fixture.store, fixture.p),
                    STG_E_STORE_DOWN);
    CU_ASSERT_EQUAL(rename(away, files()->dir), 0);
    STG_CHECK_OK(find_sample(&found, &sample));
}

static void what_is_not_ours_is_not_listed(void)
{
    const char *paths[] = {
        apr_pstrcat(fixture.p, files()->dir, "/tmp/.nfs0001", NULL),
        apr_pstrcat(fixture.p, files()->dir, "/objects/ab/note.txt", NULL)};

    for (int i = 0; i < 2; i++)
        put_file(paths[i]);
    CU_ASSERT_EQUAL(list_found()->nelts, 0);
    for (int i = 0; i < 2; i++)
        unlink(paths[i]);
}

static void an_object_opens_as_a_file(void)
{
    sample_t sample = sample_of(MIB);
    apr_finfo_t info = {0};
    apr_file_t *file = NULL;

    STG_CHECK_OK(write_sample(&sample, fixture.p));
    STG_CHECK_OK(fixture.store->driver->open_file(&file, fixture.store,
                                                  sample.key, fixture.p));
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(apr_file_info_get(&info, APR_FINFO_SIZE, file), 0);
    CU_ASSERT_EQUAL(info.size, sample.size);
    sample.key = new_key();
    STG_CHECK_FAILS(fixture.store->driver->open_file(&file, fixture.store,
                                                     sample.key, fixture.p),
                    STG_E_NOT_FOUND);
}

static void the_reserve_is_left_free(void)
{
    const char *words[] = {
        "big", apr_pstrcat(fixture.p, "file://", files()->dir, NULL),
        "reserve=1000000G"};
    stg_object_spec_t spec = {.key = new_key(), .size = -1};
    stg_store_config_t *config;
    stg_store_t *store;
    stg_sink_t *sink;

    STG_CHECK_OK(stg_store_config_parse(&config, words, 3, fixture.p));
    STG_CHECK_OK(stg_store_open(&store, config, fixture.p));
    STG_CHECK_FAILS(store->driver->create(&sink, store, &spec, fixture.p),
                    STG_E_NO_SPACE);
    STG_CHECK_FAILS(store->driver->ping(store, fixture.p), STG_E_NO_SPACE);
}

static void what_cannot_fit_is_refused_before_it_comes(void)
{
    const apr_off_t much = APR_INT64_C(1) << 60;
    const stg_object_spec_t specs[] = {
        {.key = new_key(), .size = much},
        {.key = new_key(), .size = -1, .least = much}};
    stg_sink_t *sink;

    for (int i = 0; i < 2; i++)
        STG_CHECK_FAILS(fixture.store->driver->create(&sink, fixture.store,
                                                      &specs[i], fixture.p),
                        STG_E_NO_SPACE);
}

/* A process that was stopped in the midst of a part, and goes on when all is
 * over: the file that it has open must not be the object. */
static void whoever_writes_a_part_for_ever_cannot_touch_the_object(void)
{
    sample_t sample = sample_of(2 * MIB);
    stg_stored_part_t parts[] = {
        {.number = 1, .size = MIB},
        {.number = 9, .segment = 1, .first = MIB, .size = MIB}};
    int fd, is_equal = 0;

    STG_CHECK_OK(begin_sample(&sample));
    for (int i = 0; i < 2; i++)
        STG_CHECK_OK(put_sample(&parts[i], &sample, fixture.budget, fixture.p));
    fd = open(apr_pstrcat(fixture.p,
                          stg_file_parts_dir(files(), sample.key, fixture.p),
                          "/0", NULL),
              O_RDWR);
    CU_ASSERT_EQUAL(flock(fd, LOCK_SH | LOCK_NB), 0);
    STG_CHECK_OK(finish_sample(&sample, parts, 2));
    CU_ASSERT_EQUAL(pwrite(fd, "too late", 8, MIB), 8);
    close(fd);
    STG_CHECK_OK(compare_range(&is_equal, &sample, 0, -1, fixture.p));
    CU_ASSERT(is_equal);
    CU_ASSERT_EQUAL(list_found()->nelts, 1);
}

/* As a crash leaves it that came after the object had its name. */
static void parts_beside_their_object_go_when_it_is_finished_again(void)
{
    sample_t sample = sample_of(MIB);
    stg_stored_part_t part = {.number = 1, .size = MIB};

    STG_CHECK_OK(begin_sample(&sample));
    STG_CHECK_OK(put_sample(&part, &sample, fixture.budget, fixture.p));
    STG_CHECK_OK(finish_sample(&sample, &part, 1));
    CU_ASSERT_EQUAL(
        mkdir(stg_file_parts_dir(files(), sample.key, fixture.p), 0700), 0);
    CU_ASSERT_EQUAL(list_found()->nelts, 2);
    STG_CHECK_OK(finish_sample(&sample, &part, 1));
    CU_ASSERT_EQUAL(list_found()->nelts, 1);
}

void add_file_suite(void)
{
    CU_pSuite suite = CU_add_suite_with_setup_and_teardown(
        "file only", NULL, NULL, begin_test, end_test);

    STG_TEST(suite, directories_are_for_their_owner_only);
    STG_TEST(suite, killed_writer_leaves_only_a_temporary_file);
    STG_TEST(suite, an_object_removed_while_it_comes_never_appears);
    STG_TEST(suite, two_sinks_of_one_key_are_refused);
    STG_TEST(suite, an_object_is_never_replaced);
    STG_TEST(suite, a_failed_write_leaves_nothing);
    STG_TEST(suite, a_lost_volume_is_not_an_empty_store);
    STG_TEST(suite, what_is_not_ours_is_not_listed);
    STG_TEST(suite, an_object_opens_as_a_file);
    STG_TEST(suite, the_reserve_is_left_free);
    STG_TEST(suite, what_cannot_fit_is_refused_before_it_comes);
    STG_TEST(suite, whoever_writes_a_part_for_ever_cannot_touch_the_object);
    STG_TEST(suite, parts_beside_their_object_go_when_it_is_finished_again);
}
