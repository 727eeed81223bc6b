/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_T_DB_CORE_FIXTURE_H
#define STG_T_DB_CORE_FIXTURE_H

#include "db_check.h"

#include "core/gc.h"
#include "core/job.h"
#include "core/node.h"
#include "core/object.h"
#include "core/staging.h"
#include "core/transfer.h"
#include "store/part_buffer.h"

/* A node with two empty stores, "memory" (in parts of 4 KiB) and "file", on a
 * database with empty tables; and a pool for the test at hand. */
typedef struct core_t {
    stg_staging_t staging;
    stg_store_t *memory;
    stg_store_t *file;
    const char *dir; /* of the file store */
    apr_pool_t *p;
} core_t;

void core_begin(core_t *core);
void core_end(core_t *core);

/* Another node on the same database and stores. */
stg_staging_t core_other_node(core_t *core);

/* Run SQL that no query of ours does. */
void core_sql(core_t *core, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* An upload with its object, as its slice begins it, and size bytes sent. */
typedef struct staged_t {
    const char *id; /* of the object */
    const char *upload;
    stg_object_t *object;
} staged_t;

staged_t core_stage(core_t *core, stg_store_t *store, int size);

/* The same to its end: committed, and stored or finishing with its job. */
staged_t core_store(core_t *core, stg_store_t *store, int size);

/* What the row says: "" if there is none. */
const char *core_state(core_t *core, const char *id);

/* Are the bytes there? */
int core_has_bytes(core_t *core, stg_store_t *store, const char *id);

/* A round of garbage collection with the steps of the uploads. */
int core_gc(core_t *core);

#endif
