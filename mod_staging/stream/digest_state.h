/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STREAM_DIGEST_STATE_H
#define STG_STREAM_DIGEST_STATE_H

#include "stream/hasher.h"

/*
 * Where running digests are, as one line of text that any node can go on
 * from, whatever its machine and libraries:
 *
 *     version SP size *( SP algorithm ":" chain ":" rest )
 *
 * version 1; size: bytes that have come, decimal; chain: the algorithm's
 * words, each with its most significant byte first, and rest: what came
 * since its last whole block, both in lower-case hex. Algorithms in the
 * order of stg_algorithm_t.
 */

/* Characters of the longest, with all algorithms. */
enum { STG_DIGEST_STATE_MOST = 1200 };

/* hashers are resumable ones; NULL where the set has none. */
const char *stg_digest_state_text(apr_off_t size,
                                  stg_hasher_t *const hashers[STG_ALGORITHMS],
                                  apr_pool_t *p);

/* Set hashers, which are new, to what text says. INVALID if it is not exactly
 * a state of these algorithms. */
stg_error_t *stg_digest_state_parse(apr_off_t *size,
                                    stg_hasher_t *const hashers[STG_ALGORITHMS],
                                    const char *text, apr_pool_t *p);

#endif
