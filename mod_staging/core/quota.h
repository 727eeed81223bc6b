/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_CORE_QUOTA_H
#define STG_CORE_QUOTA_H

#include "db/db.h"
#include "stream/sink.h"

/*
 * How many bytes an owner may have in a service: those of his objects, and
 * those that unfinished ones are going to have as far as that is known. What
 * he has is summed up from the rows when somebody asks, so that it cannot
 * drift away from what there is, and whatever ends an object gives its bytes
 * back by that alone.
 *
 * Only where there is a limit does any of this ask the database.
 */

typedef struct stg_quota_t {
    stg_db_t *db;
    const char *service;
    const char *owner;
    apr_off_t limit; /* 0: none */
    apr_off_t more;  /* bytes are to come besides; -1: nobody knows how many */
} stg_quota_t;

/* Would they fit? QUOTA. *room is what may come: what is left just now. */
stg_error_t *stg_quota_look(apr_off_t *room, const stg_quota_t *quota,
                            apr_pool_t *p);

/* A query by which they become the owner's, if they fit: QUOTA. Others of the
 * same owner wait, so that all of them together fit. */
stg_error_t *stg_quota_query(stg_rows_t **rows, const stg_quota_t *quota,
                             stg_query_t query, apr_pool_t *p,
                             const char *const *params, int count);

/* Passes on as many bytes as there is room for, then fails with QUOTA: for
 * what nobody could reserve, as its size is not known. */
stg_sink_t *stg_quota_sink(stg_sink_t *next, const stg_quota_t *quota,
                           apr_off_t room, apr_pool_t *p);

#endif
