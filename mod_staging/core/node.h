/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_CORE_NODE_H
#define STG_CORE_NODE_H

#include "db/db.h"

#include <apr_time.h>

/*
 * A process that receives bytes or runs jobs, known to the others by a row
 * with a lease (database clock). Objects in state receiving name their node:
 * while its row is there nobody else touches them. The worker's housekeeping
 * thread renews the lease.
 *
 * A node is dead when it has no row, and only stg_node_bury() removes the
 * row of another: in two steps, so that an outage of the database, after
 * which all leases have run out, costs nobody what it was receiving. First
 * it is suspected; if it has not renewed its lease STG_NODE_PATIENCE_SECONDS
 * later, by the database's clock, it is buried. Until then it may take its
 * lease up again.
 *
 * Everybody suspects and buries whenever it renews. So what a killed node has
 * left is another's 30 s after its death at the latest, if one lives: its
 * lease may just have been renewed (8), nobody looks for a while (3), then it
 * is suspected (14), and again nobody looks (3). The lease may be that short
 * because its end costs nothing; the patience is longer than a housekeeper
 * may hang on a silent database (lifecycle.c, 10) and wait to retry (3).
 */

enum {
    STG_NODE_LEASE_SECONDS = 8,
    STG_NODE_RENEW_SECONDS = 3,
    STG_NODE_PATIENCE_SECONDS = 14,
    STG_NODE_GONE_SECONDS = 4 /* with one whose process is gone for certain */
};

typedef struct stg_node_t stg_node_t;

/* A new identity; no row yet. All functions are thread safe. */
stg_node_t *stg_node_create(apr_pool_t *p);

/* Valid as long as the node, also when it has got another id since. */
const char *stg_node_id(const stg_node_t *node);

/* Insert or prolong the row. A node that was buried meanwhile gets a new id:
 * what it was receiving is lost. */
stg_error_t *stg_node_renew(stg_node_t *node, stg_db_t *db, apr_pool_t *p);

/* Is it certain, by our own monotonic clock, that nobody has buried us? */
int stg_node_is_alive(const stg_node_t *node);

/* Remove the row: nothing of ours is being received any more. */
stg_error_t *stg_node_retire(stg_node_t *node, stg_db_t *db, apr_pool_t *p);

/* The database could not be told that this object is not ours any more:
 * remember it, so that stg_node_settle_debts() tells it later. Without it
 * the object would wait for the end of the process. */
void stg_node_let_go_later(stg_node_t *node, const char *object_id);
stg_error_t *stg_node_settle_debts(stg_node_t *node, stg_db_t *db,
                                   apr_pool_t *p);

/* What came of a statement that names us as the receiver is passed on; if it
 * failed, but may have been carried out, the object is let go of later. */
stg_error_t *stg_node_named(stg_node_t *node, const char *object_id,
                            stg_error_t *err);

/* Suspect those whose leases have run out or whose processes ended on this
 * machine without a word, bury those that were suspected long enough. *buried
 * may be NULL. */
stg_error_t *stg_node_bury(int *buried, stg_db_t *db, apr_pool_t *p);

/* How many are suspected: they and what they left are not buried before
 * STG_NODE_PATIENCE_SECONDS have passed (stagingctl gc waits for them). */
stg_error_t *stg_node_suspects(int *count, stg_db_t *db, apr_pool_t *p);

#endif
