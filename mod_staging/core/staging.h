/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_CORE_STAGING_H
#define STG_CORE_STAGING_H

#include "db/db.h"
#include "store/store.h"

/*
 * What every service gets: the context of one process. Made at child start
 * by lifecycle.c, or by stagingctl; read-only afterwards.
 */
typedef struct stg_staging_t {
    stg_db_t *db;
    stg_stores_t stores;
    struct stg_node_t *node;           /* this process's lease; core/node.h */
    struct stg_worker_t *worker;       /* to wake, or NULL; core/worker.h */
    struct stg_transfers_t *transfers; /* core/transfer.h, NULL if none */
    struct stg_part_budget_t *parts;   /* of all parts in memory */
} stg_staging_t;

#endif
