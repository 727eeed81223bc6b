/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_CORE_NODE_H
#define STG_CORE_NODE_H

#include "db/db.h"

#include <apr_time.h>

/*
 * A process that receives bytes or runs jobs, known to the others by a row
 * with a lease (database clock). Objects in state receiving name their node:
 * while its lease runs nobody else touches them. The worker's housekeeping
 * thread renews the lease; a process whose renewals fail must assume that it
 * has lost what it was receiving.
 */

enum {
    STG_NODE_LEASE_SECONDS = 30,
    STG_NODE_RENEW_SECONDS = 8
};

typedef struct stg_node_t stg_node_t;

/* A new identity; no row yet. */
stg_node_t *stg_node_create(apr_pool_t *p);

const char *stg_node_id(const stg_node_t *node);

/* Insert or prolong the row. A lease that has run out meanwhile is not taken
 * up again: the node gets a new id (what it was receiving is lost), which
 * stg_node_id() returns from then on. Thread safe. */
stg_error_t *stg_node_renew(stg_node_t *node, stg_db_t *db, apr_pool_t *p);

/* Is the lease certain to run still, by our own monotonic clock? */
int stg_node_is_alive(const stg_node_t *node);

/* Remove the row: nothing of ours is being received any more. */
stg_error_t *stg_node_retire(stg_node_t *node, stg_db_t *db, apr_pool_t *p);

#endif
