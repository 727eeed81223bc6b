/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the unit tests: all suites, or the one that is named as argument. */
#include "suites.h"

#include <CUnit/Basic.h>

#include <apr_general.h>

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    void (*add)(void);
} suites[] = {
#define SUITE(name) {#name, stg_##name##_suite},
    STG_SUITES
#undef SUITE
};

enum { SUITE_COUNT = sizeof(suites) / sizeof(suites[0]) };

static int add_suites(const char *wanted)
{
    int added = 0;

    for (int i = 0; i < SUITE_COUNT; i++) {
        if (wanted && strcmp(wanted, suites[i].name) != 0)
            continue;
        suites[i].add();
        added++;
    }
    return added;
}

int main(int argc, char **argv)
{
    unsigned int failures;

    apr_initialize();
    CU_initialize_registry();
    if (!add_suites(argc > 1 ? argv[1] : NULL)) {
        fprintf(stderr, "no suite is called %s\n", argv[1]);
        return 2;
    }
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    failures = CU_get_number_of_tests_failed();
    CU_cleanup_registry();
    apr_terminate();
    return failures > 100 ? 100 : (int)failures;
}
