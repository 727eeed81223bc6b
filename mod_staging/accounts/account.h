/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_ACCOUNTS_ACCOUNT_H
#define STG_ACCOUNTS_ACCOUNT_H

#include "db/db.h"

#include <apr_tables.h>
#include <apr_time.h>

/*
 * Persons and services that this service knows itself. They are never
 * removed, so that what they own never gets another owner: they are disabled.
 */

typedef struct stg_account_t {
    const char *id;
    const char *name;
    apr_time_t created;
    int is_disabled;
    int is_operator;
    int keys; /* that are neither revoked nor expired */
} stg_account_t;

/* Letters, digits and . _ - @, beginning with a letter or digit, at most 64.
 * Fails with INVALID. */
stg_error_t *stg_account_name_check(const char *name, apr_pool_t *p);

/* Fails with INVALID, or CONFLICT if the name is taken. */
stg_error_t *stg_account_add(const char **id, stg_db_t *db, const char *name,
                             apr_pool_t *p);

/* All, by name: an array of stg_account_t. */
stg_error_t *stg_account_list(apr_array_header_t **accounts, stg_db_t *db,
                              apr_pool_t *p);

/* Shut it out with all its keys, and let it in again. NOT_FOUND. */
stg_error_t *stg_account_disable(stg_db_t *db, const char *name, apr_pool_t *p);
stg_error_t *stg_account_enable(stg_db_t *db, const char *name, apr_pool_t *p);

/* May it see, and mend, how the service does? NOT_FOUND. */
stg_error_t *stg_account_operator(stg_db_t *db, const char *name,
                                  int is_operator, apr_pool_t *p);

#endif
