/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STREAM_HASHER_H
#define STG_STREAM_HASHER_H

#include "base/error.h"
#include "stream/algorithm.h"

/*
 * One algorithm at work on bytes that come in pieces; its pool ends it. It
 * belongs to one thread at a time.
 *
 * There are two kinds. What OpenSSL computes is the faster, but where its
 * contexts stand cannot be told; Nettle's are plain structs, whose fields can
 * be written down and set (0.7 of the speed with SHA-512, 0.9 with others).
 */

typedef struct stg_hasher_t stg_hasher_t;

/* OpenSSL's: for bytes that come in one request. */
stg_hasher_t *stg_hasher_create(stg_algorithm_t algorithm, apr_pool_t *p);

/* Nettle's: can be asked for its state, and set to one. */
stg_hasher_t *stg_hasher_create_resumable(stg_algorithm_t algorithm,
                                          apr_pool_t *p);

void stg_hasher_update(stg_hasher_t *hasher, const char *bytes,
                       apr_size_t count);

/* Lower-case hex of all that came; once. INTERNAL if it could not be
 * computed. */
stg_error_t *stg_hasher_finish(const char **hex, stg_hasher_t *hasher,
                               apr_pool_t *p);

/* A resumable one after size bytes: the words of its chaining value and the
 * bytes of the block that is not full, both in lower-case hex. */
void stg_hasher_state(const char **chain, const char **rest,
                      const stg_hasher_t *hasher, apr_pool_t *p);

/* A resumable one that is new goes on there. 0, and nothing is changed, if
 * these are not what stg_hasher_state() says after size bytes. */
int stg_hasher_restore(stg_hasher_t *hasher, apr_off_t size, const char *chain,
                       const char *rest, apr_pool_t *p);

#endif
