/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_CORE_TRANSFER_H
#define STG_CORE_TRANSFER_H

#include "core/staging.h"

/*
 * The requests of this process that hold a part upload, so that a newer
 * request, here or on another node, can end an older one whose client is
 * silent. A thread looks once a second, while there are any, which of them the
 * database says are wanted by others, or hold nothing any more. Every ten
 * seconds it hands back what the database has thought for a minute this process
 * holds, and nobody does: the answer of a statement was lost.
 */

typedef struct stg_transfers_t stg_transfers_t;

typedef struct stg_transfer_t {
    const char *object;
    const char *fence;           /* NULL: not taken yet */
    int is_wanted;               /* atomic: somebody newer waits */
    void (*wake)(void *context); /* make a read that waits return; any
                                  * thread. NULL: nobody waits for a client */
    void *context;
    struct stg_transfer_t *next;
} stg_transfer_t;

/* NULL if no thread is to be had. Its thread is joined by a pre-cleanup of
 * p. For the others NULL is a process without transfers. */
stg_transfers_t *stg_transfers_create(stg_staging_t *staging, apr_pool_t *p);

/* Before it is taken, so that it is never held by nobody. */
void stg_transfers_enter(stg_transfers_t *transfers, stg_transfer_t *transfer);
void stg_transfers_taken(stg_transfers_t *transfers, stg_transfer_t *transfer,
                         const char *fence);
void stg_transfers_leave(stg_transfers_t *transfers, stg_transfer_t *transfer);

/* Set by the request while it reads its body. wake NULL: no more. */
void stg_transfers_wake_with(stg_transfers_t *transfers,
                             stg_transfer_t *transfer,
                             void (*wake)(void *context), void *context);

/* Tell the one of this process that holds object by fence that it is wanted;
 * 0 if nobody does. */
int stg_transfers_want(stg_transfers_t *transfers, const char *object,
                       const char *fence);

#endif
