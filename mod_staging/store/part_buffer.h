/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STORE_PART_BUFFER_H
#define STG_STORE_PART_BUFFER_H

#include "base/error.h"

/*
 * The bytes of one part while it waits to be sent. They are in memory as long
 * as the common budget lasts; a part that does not get more of it moves to an
 * unnamed temporary file. Memory is charged as it fills, so that small bodies
 * cost what they hold.
 */

typedef struct stg_part_budget_t stg_part_budget_t;
typedef struct stg_part_buffer_t stg_part_buffer_t;

enum { STG_PART_MD5_BYTES = 16 };

/* For all parts of a process: at most so many bytes of them in memory, what
 * is beyond in temp_dir. Safe to use by any number of threads. */
stg_part_budget_t *stg_part_budget_create(apr_off_t bytes, const char *temp_dir,
                                          apr_pool_t *p);

/* Bytes of the budget in use. */
apr_off_t stg_part_budget_used(const stg_part_budget_t *budget);

/* An empty buffer. Its memory and file go with clear() or the pool. */
stg_part_buffer_t *stg_part_buffer_create(stg_part_budget_t *budget,
                                          apr_pool_t *p);

/* Make it empty, with room for capacity bytes. */
void stg_part_buffer_clear(stg_part_buffer_t *buffer, apr_off_t capacity);

apr_off_t stg_part_buffer_room(const stg_part_buffer_t *buffer);
apr_off_t stg_part_buffer_size(const stg_part_buffer_t *buffer);

/* At most the room there is. Fails with NO_SPACE if the temporary folder is
 * full; only an error is allocated, in p. */
stg_error_t *stg_part_buffer_add(stg_part_buffer_t *buffer, const char *bytes,
                                 apr_size_t count, apr_pool_t *p);

/* Where the bytes are: in memory, or else from 0 in a file. */
const char *stg_part_buffer_memory(const stg_part_buffer_t *buffer);
int stg_part_buffer_fd(const stg_part_buffer_t *buffer);

stg_error_t *stg_part_buffer_md5(unsigned char *md5,
                                 const stg_part_buffer_t *buffer,
                                 apr_pool_t *p);

#endif
