/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_CORE_WALK_H
#define STG_CORE_WALK_H

#include "core/reconcile.h"

/*
 * What the parts of a check share: listing.c goes through what a store has,
 * reconcile.c through the rows of its objects, relations.c through what rows
 * say of each other.
 *
 * To find rows without bytes in constant memory, whatever the order of the
 * listing, without asking the store for each: the stored objects that were
 * listed are tallied by the first 16 bits of their ids, and so are the rows.
 * Only ranges whose tallies differ are looked at one by one.
 */

typedef struct stg_tally_t {
    apr_uint64_t count;
    apr_uint64_t sum; /* of the ids, exclusive or */
} stg_tally_t;

enum { STG_TALLY_RANGES = 65536 };

typedef struct stg_walk_t {
    stg_check_t *check;
    stg_staging_t *staging;
    stg_store_t *store;
    stg_tally_t *listed; /* STG_TALLY_RANGES of them */
} stg_walk_t;

int stg_tally_range(const char *id);
void stg_tally_add(stg_tally_t *tally, const char *id);
int stg_tally_equal(const stg_tally_t *a, const stg_tally_t *b);

/* A difference at a key, or at an id, of a store, or of none ("-"). */
void stg_check_report(stg_check_t *check, const char *store, const char *key,
                      const char *what);

/* A difference at the key of this id; is_repaired counts it as such. */
void stg_walk_report(stg_walk_t *walk, const char *id, const char *what,
                     int is_repaired);

/* The object in this state will never be whole: what says why, for the report
 * and, under repair, for the owner. */
stg_error_t *stg_walk_lost(stg_walk_t *walk, const char *id, const char *state,
                           const char *what, apr_pool_t *p);

/* Go through the listing: tally, report what belongs to no row or has another
 * size, and remove it under repair. */
stg_error_t *stg_walk_listing(stg_walk_t *walk, apr_pool_t *p);

/* Rows that no statement of ours could have brought about, or that wait for
 * what will not come. */
stg_error_t *stg_relations_check(stg_check_t *check, stg_db_t *db,
                                 apr_pool_t *p);

#endif
