/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STREAM_DIGEST_H
#define STG_STREAM_DIGEST_H

#include "stream/algorithm.h"
#include "stream/sink.h"

/*
 * MD5, SHA-1, SHA-256 and SHA-512 of what passes, in one pass. Small bodies are
 * hashed in the calling thread; beyond 256 KiB every algorithm has a thread of
 * its own, so that one upload uses the cores there are. At most
 * STG_DIGEST_MEMORY bytes are held, whatever the size of the body.
 *
 * The next sink gets the bytes in blocks, not as they came.
 */

enum { STG_DIGEST_MEMORY = 1536 * 1024 };

typedef struct stg_digest_t stg_digest_t;

stg_digest_t *stg_digest_create(stg_sink_t *next, stg_algorithm_set_t set,
                                apr_pool_t *p);
stg_sink_t *stg_digest_sink(stg_digest_t *digest);

/* Hand on what is gathered and wait for the threads: after it size and
 * values are final, but the next sink is not closed yet, so that a caller
 * can compare before it commits. close() does it too. */
stg_error_t *stg_digest_settle(stg_digest_t *digest);

/* Bytes seen so far, with those before the state that it resumed. */
apr_off_t stg_digest_size(const stg_digest_t *digest);

/* The same, for bytes that come over many requests: go on from a state that
 * stg_digest_state() has told, or from none (NULL), with the same set. INVALID
 * if the text is not a state of this set. It is slower (stream/hasher.h). */
stg_error_t *stg_digest_resume(stg_digest_t **digest, stg_sink_t *next,
                               stg_algorithm_set_t set, const char *state,
                               apr_pool_t *p);

/* Of one made by stg_digest_resume: hand on what is gathered, wait for the
 * threads, and say where the digests are, as text in p: at most
 * STG_DIGEST_STATE_MOST characters of ASCII (stream/digest_state.h). More may
 * be written after it, unless it is settled. */
stg_error_t *stg_digest_state(const char **state, stg_digest_t *digest,
                              apr_pool_t *p);

/* Lower-case hex, after settle; NULL if the algorithm is not in the set. */
const char *stg_digest_hex(const stg_digest_t *digest,
                           stg_algorithm_t algorithm);

#endif
