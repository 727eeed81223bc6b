/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_T_DB_DB_CHECK_H
#define STG_T_DB_DB_CHECK_H

#include "check.h"
#include "db/db.h"

/* Connections to the test schema, at most max, closed with p; settings are
 * PostgreSQL's, as in "-clock_timeout=1s". */
stg_db_lender_t stg_check_lender(const char *settings, int max, apr_pool_t *p);
stg_db_t *stg_check_db(const char *settings, apr_pool_t *p);

/* The folder of the migrations. */
const char *stg_check_migrations(void);

/* End all other connections to the test schema, as an administrator would. */
void stg_check_kill(apr_pool_t *p);

void stg_schema_suite(void);
void stg_database_suite(void);
void stg_accounts_suite(void);
void stg_sign_in_suite(void);
void stg_objects_suite(void);
void stg_part_uploads_suite(void);
void stg_part_holds_suite(void);
void stg_part_ends_suite(void);
void stg_quota_suite(void);
void stg_jobs_suite(void);
void stg_reconcile_suite(void);
void stg_lists_suite(void);

#endif
