/* SPDX-License-Identifier: Apache-2.0 */
/* What is fuzzed, one line per parser of foreign bytes: TARGET(name) stands
 * for stg_fuzz_name() in name_fuzz.c and the inputs in corpus/name. */
#ifndef STG_T_FUZZ_TARGETS_H
#define STG_T_FUZZ_TARGETS_H

#include <apr_pools.h>

/* clang-format off */
#define STG_TARGETS \
    TARGET(text) \
    TARGET(structured) \
    TARGET(query) \
    TARGET(json) \
    TARGET(formdata) \
    TARGET(part_headers) \
    TARGET(disposition) \
    TARGET(digest_field) \
    TARGET(digest_state) \
    TARGET(checksum) \
    TARGET(file_name) \
    TARGET(upload_concat) \
    TARGET(upload_metadata) \
    TARGET(range) \
    TARGET(credentials) \
    TARGET(api_key) \
    TARGET(ticket) \
    TARGET(cursor) \
    TARGET(jwt) \
    TARGET(claims) \
    TARGET(jwks) \
    TARGET(s3_xml) \
    TARGET(s3_keys) \
    TARGET(store_line) \
    TARGET(store_key)
/* clang-format on */

/* bytes are followed by a NUL that is not counted; p is cleared afterwards.
 * A target aborts when it finds what must not be. */
typedef void stg_fuzz_target_t(const char *bytes, apr_size_t count,
                               apr_pool_t *p);

#define TARGET(name) stg_fuzz_target_t stg_fuzz_##name;
STG_TARGETS
#undef TARGET

#endif
