/* SPDX-License-Identifier: Apache-2.0 */
/* The unit tests, one line per suite, floor by floor: SUITE(name) stands for
 * the function stg_name_suite() in name_test.c. */
#ifndef STG_T_UNIT_SUITES_H
#define STG_T_UNIT_SUITES_H

/* clang-format off */
#define STG_SUITES \
    SUITE(text) \
    SUITE(structured) \
    SUITE(query) \
    SUITE(json) \
    SUITE(metrics) \
    SUITE(sink) \
    SUITE(digest) \
    SUITE(digest_state) \
    SUITE(disposition) \
    SUITE(formdata) \
    SUITE(digest_field) \
    SUITE(checksum) \
    SUITE(file_name) \
    SUITE(upload_concat) \
    SUITE(upload_metadata) \
    SUITE(range) \
    SUITE(store_config) \
    SUITE(sigv4) \
    SUITE(s3_xml) \
    SUITE(s3_credentials) \
    SUITE(part_queue) \
    SUITE(s3_parts) \
    SUITE(s3_breaker) \
    SUITE(s3_client) \
    SUITE(credentials) \
    SUITE(jwt) \
    SUITE(jwks) \
    SUITE(iam) \
    SUITE(api_key) \
    SUITE(password) \
    SUITE(seal) \
    SUITE(ticket) \
    SUITE(stagingctl_config)
/* clang-format on */

#define SUITE(name) void stg_##name##_suite(void);
STG_SUITES
#undef SUITE

#endif
