/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STREAM_DIGEST_H
#define STG_STREAM_DIGEST_H

#include "stream/sink.h"

/*
 * MD5, SHA-1 and SHA-256 of what passes, in one pass. Small bodies are
 * hashed in the calling thread; beyond 256 KiB every algorithm has a thread of
 * its own, so that one upload uses the cores there are. At most
 * STG_DIGEST_MEMORY bytes are held, whatever the size of the body.
 *
 * The next sink gets the bytes in blocks, not as they came.
 */

typedef enum stg_algorithm_t {
    STG_MD5,
    STG_SHA1,
    STG_SHA256,
    STG_ALGORITHMS
} stg_algorithm_t;

enum { STG_DIGEST_MEMORY = 1536 * 1024 };

/* A set of algorithms, 1 << STG_MD5 and so on. */
typedef unsigned int stg_algorithm_set_t;

typedef struct stg_digest_t stg_digest_t;

/* "md5", "sha1", "sha256"; and back, STG_ALGORITHMS if unknown. */
const char *stg_algorithm_name(stg_algorithm_t algorithm);
stg_algorithm_t stg_algorithm_find(const char *name);

stg_digest_t *stg_digest_create(stg_sink_t *next, stg_algorithm_set_t set,
                                apr_pool_t *p);
stg_sink_t *stg_digest_sink(stg_digest_t *digest);

/* Hand on what is gathered and wait for the threads: after it size and
 * values are final, but the next sink is not closed yet, so that a caller
 * can compare before it commits. close() does it too. */
stg_error_t *stg_digest_settle(stg_digest_t *digest);

/* Bytes seen so far. */
apr_off_t stg_digest_size(const stg_digest_t *digest);

/* Lower-case hex, after settle; NULL if the algorithm is not in the set. */
const char *stg_digest_hex(const stg_digest_t *digest,
                           stg_algorithm_t algorithm);

#endif
