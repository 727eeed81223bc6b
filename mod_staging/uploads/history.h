/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_UPLOADS_HISTORY_H
#define STG_UPLOADS_HISTORY_H

#include "db/db.h"

#include <apr_tables.h>
#include <apr_time.h>

/*
 * What happened to an upload, as long as it is there. The rows are written in
 * the statements that make it happen; what happens again and again is one row
 * that counts.
 */

typedef struct stg_event_t {
    const char *event; /* created, received, stored, failed, resumed,
                        * downloaded */
    apr_time_t at;     /* the first time */
    apr_time_t last;
    apr_int64_t count;
    const char *detail; /* why it failed, or NULL */
} stg_event_t;

/* All events of an upload, of stg_event_t, by their first times. NOT_FOUND. */
stg_error_t *stg_history_read(apr_array_header_t **events, stg_db_t *db,
                              const char *id, const char *service,
                              const char *owner, apr_pool_t *p);

/* Somebody has asked for its bytes. */
void stg_history_downloaded(stg_db_t *db, const char *id, apr_pool_t *p);

#endif
