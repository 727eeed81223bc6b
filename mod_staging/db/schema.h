/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_DB_SCHEMA_H
#define STG_DB_SCHEMA_H

#include "db/db.h"

/* The version of the schema that this build works with. */
enum { STG_SCHEMA_VERSION = 4 };

/* Fails with DB_DOWN, saying which version is there and which is needed. */
stg_error_t *stg_schema_check(stg_db_t *db, apr_pool_t *p);

/* The same, for a process that goes on: while the version is wrong db refuses
 * to work, and when it is right again db works again. */
stg_error_t *stg_schema_watch(stg_db_t *db, apr_pool_t *p);

/* Apply the missing files of folder (NNNN_name.sql), each in a transaction
 * of its own that also records it in schema_version; *applied counts them.
 * Two migrations at once wait for each other. */
stg_error_t *stg_schema_migrate(int *applied, stg_db_t *db, const char *folder,
                                apr_pool_t *p);

#endif
