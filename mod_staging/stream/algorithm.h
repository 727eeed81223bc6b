/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STREAM_ALGORITHM_H
#define STG_STREAM_ALGORITHM_H

#include <apr.h>

/* The digests that we know, and what they are called: by ourselves and in
 * header fields (the registry "Hash Algorithms for HTTP Digest Fields"). */
typedef enum stg_algorithm_t {
    STG_MD5,
    STG_SHA1,
    STG_SHA256,
    STG_SHA512,
    STG_ALGORITHMS
} stg_algorithm_t;

/* A set of algorithms, 1 << STG_MD5 and so on. */
typedef unsigned int stg_algorithm_set_t;

enum {
    STG_ALGORITHMS_ALL = (1 << STG_ALGORITHMS) - 1,
    STG_DIGEST_MOST = 64 /* bytes of the longest */
};

/* "md5", "sha1", "sha256", "sha512"; and back, STG_ALGORITHMS if unknown. */
const char *stg_algorithm_name(stg_algorithm_t algorithm);
stg_algorithm_t stg_algorithm_find(const char *name);

/* "md5", "sha", "sha-256", "sha-512"; and back, likewise. */
const char *stg_algorithm_field_name(stg_algorithm_t algorithm);
stg_algorithm_t stg_algorithm_field_find(const char *name);

/* Bytes of a digest. */
apr_size_t stg_algorithm_size(stg_algorithm_t algorithm);

#endif
