/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "store/s3_key_texts.h"

#include <apr_strings.h>

/* A file in one of its forms, or what a metadata service says. */
void stg_fuzz_s3_keys(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    stg_s3_keys_t keys = {.access_key = NULL};

    stg_s3_keys_of_lines(&keys, apr_pstrmemdup(p, bytes, count), p);
    stg_s3_keys_of_profile(&keys, apr_pstrmemdup(p, bytes, count), "default");
    stg_s3_keys_of_json(&keys, bytes, p);
}
