/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STORE_PART_QUEUE_H
#define STG_STORE_PART_QUEUE_H

#include "store/part_buffer.h"

/*
 * Parts of one object on their way: the caller fills one while threads send
 * those before it, or sends each itself. After the first failure nothing more
 * is sent.
 */

typedef struct stg_part_queue_t stg_part_queue_t;

/* Send what is in buffer as the part of this index (from 0, in the order of
 * stg_part_queue_give). Runs in a thread of the queue, if it has any; p is
 * cleared after. */
typedef stg_error_t *stg_part_send_fn_t(void *context, int index,
                                        const stg_part_buffer_t *buffer,
                                        apr_pool_t *p);

/* parallel threads at most, started as they are needed; 0: none. The cleanup of
 * p waits for what is being sent; cancel that first where it can be. */
stg_part_queue_t *stg_part_queue_create(stg_part_budget_t *budget, int parallel,
                                        stg_part_send_fn_t *send, void *context,
                                        apr_pool_t *p);

/* An empty buffer with this room, NULL and an error if a part has failed;
 * waits while all are on their way. The same until it is given. */
stg_error_t *stg_part_queue_take(stg_part_buffer_t **buffer,
                                 stg_part_queue_t *queue, apr_off_t capacity);

/* The buffer that was taken is full: send it. BUSY if no thread is to be
 * had; without threads, the failure of the part. */
stg_error_t *stg_part_queue_give(stg_part_queue_t *queue);

/* How many have been sent, counted from index 0 without a gap. */
int stg_part_queue_sent(stg_part_queue_t *queue);

/* Wait until all that were given are sent; the first failure. */
stg_error_t *stg_part_queue_settle(stg_part_queue_t *queue);

#endif
