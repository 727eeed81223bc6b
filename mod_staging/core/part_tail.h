/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_CORE_PART_TAIL_H
#define STG_CORE_PART_TAIL_H

#include "core/object.h"
#include "core/part_pipe.h"

/*
 * What is in a pipe's buffer, stored at once as an object with a key of its
 * own: a tail, or all that there is, if it is no larger than that. No key is
 * written to twice, so that whatever comes late meets nobody.
 */

/* *object is for stg_object_discard() if the tail is not promised. */
stg_error_t *stg_part_tail_store(stg_part_tail_t *tail, stg_object_t **object,
                                 stg_part_pipe_t *pipe, apr_pool_t *p);

/* Back into the buffer: byte for byte what was stored, or GONE. */
stg_error_t *stg_part_tail_read(stg_part_pipe_t *pipe, apr_pool_t *p);

/* pipe->upload->whole. */
stg_error_t *stg_part_tail_whole(stg_part_pipe_t *pipe);

#endif
