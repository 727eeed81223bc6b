/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer's way to one target, STG_FUZZ_TARGET. */
#include "targets.h"

#include <apr_general.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return apr_initialize();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    char *copy = calloc(1, count + 1);
    apr_pool_t *p;

    memcpy(copy, bytes, count);
    apr_pool_create(&p, NULL);
    STG_FUZZ_TARGET(copy, count, p);
    apr_pool_destroy(p);
    free(copy);
    return 0;
}
