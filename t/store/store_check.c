/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_check: every driver against one suite. Memory and file always; a
 * real S3 where STAGING_S3_ENDPOINT, STAGING_S3_ACCESS_KEY,
 * STAGING_S3_SECRET_KEY and STAGING_S3_BUCKET say which. The argument is an
 * existing directory to work in.
 */
#include "store_fixture.h"

#include "base/ids.h"
#include "store/part_buffer.h"

#include <CUnit/Basic.h>

#include <apr_general.h>
#include <apr_strings.h>

#include <limits.h>
#include <stdlib.h>

enum {
    FILE_MEMORY = 4 * MIB,
    PART_MEMORY = 32 * MIB,
    /* Parts on their way, and what TLS and HTTP need to send them. */
    S3_MEMORY = PART_MEMORY + 32 * MIB
};

static int run(void)
{
    int failures;

    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    failures = (int)CU_get_number_of_tests_failed() +
               (int)CU_get_number_of_suites_failed();
    CU_cleanup_registry();
    return failures;
}

/* Open the store and register the suite that every store passes. */
static int begin(const char *const *words, int count, apr_off_t memory_allowed,
                 const char *temp_dir, apr_pool_t *p)
{
    stg_store_config_t *config = NULL;
    stg_error_t *err = stg_store_config_parse(&config, words, count, p);

    if (!err) {
        config->parts = stg_part_budget_create(PART_MEMORY, temp_dir, p);
        err = stg_store_open(&fixture.store, config, p);
    }
    if (err) {
        printf("%s: %s\n", words[1], stg_error_text(err, p));
        return 0;
    }
    fixture.budget = config->parts;
    fixture.memory_allowed = memory_allowed;
    CU_initialize_registry();
    add_conformance_suite(words[0]);
    add_parts_suite(apr_pstrcat(p, words[0], " in parts", NULL));
    return 1;
}

static int check_memory(const char *scratch, apr_pool_t *p)
{
    const char *words[] = {"memory", "memory:", "part_size=5M"};

    /* Without and with parts. */
    if (!begin(words, 2, -1, scratch, p) || run())
        return 1;
    words[0] = "memory-in-parts";
    return !begin(words, 3, -1, scratch, p) || run();
}

static int check_file(const char *scratch, apr_pool_t *p)
{
    const char *words[] = {"file",
                           apr_pstrcat(p, "file://", scratch, "/store", NULL)};

    if (!begin(words, 2, FILE_MEMORY, scratch, p))
        return 1;
    add_file_suite();
    return run() != 0;
}

static int check_s3(const char *scratch, apr_pool_t *p)
{
    static const char *const names[] = {
        "STAGING_S3_BUCKET", "STAGING_S3_ENDPOINT", "STAGING_S3_ACCESS_KEY",
        "STAGING_S3_SECRET_KEY"};
    const char *values[4];

    for (int i = 0; i < 4; i++) {
        values[i] = getenv(names[i]);
        if (!values[i]) {
            printf("\nS3 WAS NOT TESTED: %s is not set\n", names[i]);
            return 0;
        }
    }
    /* A prefix of its own: the list shows what this run has made. */
    const char *words[] = {
        "s3",
        apr_pstrcat(p, "s3://", values[0], "/", stg_uuid_create(p), NULL),
        apr_pstrcat(p, "endpoint=", values[1], NULL),
        apr_pstrcat(p, "access_key=", values[2], NULL),
        apr_pstrcat(p, "secret_key=", values[3], NULL),
        "part_size=5M"};

    if (!begin(words, 6, S3_MEMORY, scratch, p))
        return 1;
    add_s3_suite();
    return run() != 0;
}

int main(int argc, char **argv)
{
    char scratch[PATH_MAX];
    apr_pool_t *p;
    int failures;

    if (argc != 2 || !realpath(argv[1], scratch)) {
        fprintf(stderr, "usage: store_check DIRECTORY\n");
        return 2;
    }
    apr_initialize();
    apr_pool_create(&p, NULL);
    failures = check_memory(scratch, p);
    failures += check_file(scratch, p);
    failures += check_s3(scratch, p);
    apr_pool_destroy(p);
    apr_terminate();
    return failures;
}
