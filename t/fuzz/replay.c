/* SPDX-License-Identifier: Apache-2.0 */
/* Gives every input of the corpus to its target: what a fuzzer once found
 * stays mended, without one. The argument is the folder of the corpus. */
#include "targets.h"

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    stg_fuzz_target_t *run;
} targets[] = {
#define TARGET(name) {#name, stg_fuzz_##name},
    STG_TARGETS
#undef TARGET
};

enum { TARGET_COUNT = sizeof(targets) / sizeof(targets[0]) };

/* The input in a block of its own, so that a sanitizer or valgrind sees a
 * look behind its end. */
static int replay_file(stg_fuzz_target_t *run, const char *path, apr_pool_t *p)
{
    apr_file_t *file;
    apr_finfo_t info;
    apr_size_t count;
    char *bytes;
    int is_read;

    if (apr_file_open(&file, path, APR_READ | APR_BINARY, 0, p) != APR_SUCCESS)
        return 0;
    apr_file_info_get(&info, APR_FINFO_SIZE, file);
    count = (apr_size_t)info.size;
    bytes = calloc(1, count + 1);
    is_read = apr_file_read_full(file, bytes, count, NULL) == APR_SUCCESS;
    if (is_read || !count)
        run(bytes, count, p);
    free(bytes);
    return is_read || !count;
}

/* The number of inputs; none is a failure. */
static int replay_folder(stg_fuzz_target_t *run, const char *folder,
                         apr_pool_t *p)
{
    apr_finfo_t info;
    apr_pool_t *turn;
    apr_dir_t *dir;
    int count = 0;

    if (apr_dir_open(&dir, folder, p) != APR_SUCCESS)
        return 0;
    apr_pool_create(&turn, p);
    while (apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        if (*info.name == '.')
            continue;
        count += replay_file(
            run, apr_pstrcat(turn, folder, "/", info.name, NULL), turn);
        apr_pool_clear(turn);
    }
    apr_dir_close(dir);
    return count;
}

int main(int argc, char **argv)
{
    const char *corpus = argc > 1 ? argv[1] : STG_FUZZ_CORPUS;
    int failures = 0;
    apr_pool_t *p;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&p, NULL);
    for (int i = 0; i < TARGET_COUNT; i++) {
        int count = replay_folder(
            targets[i].run, apr_pstrcat(p, corpus, "/", targets[i].name, NULL),
            p);

        printf("%s: %d inputs\n", targets[i].name, count);
        failures += !count;
    }
    return failures;
}
