/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_ADAPTERS_H
#define STG_ADAPTERS_H

#include "db/db.h"

#include <httpd.h>

/* What httpd has and libstaging needs, lent downwards. */

/* libstaging's log lines go to the error log. */
void stg_adapters_log(void);

/* Connections of mod_dbd's pool, at most max (DBDMax) at once.
 * Fails with BUSY if none comes free in time, with DB_DOWN if none can be
 * made. NULL if mod_dbd is not loaded. */
const stg_db_lender_t *stg_adapters_db(server_rec *s, int max, apr_pool_t *p);

/* Zeroed memory that all children share and that survives graceful restarts,
 * found again by name. */
void *stg_adapters_shared(const char *name, apr_size_t size, server_rec *s);

#endif
