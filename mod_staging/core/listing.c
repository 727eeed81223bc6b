/* SPDX-License-Identifier: Apache-2.0 */
#include "core/walk.h"

#include "base/clock.h"

#include <apr_hash.h>
#include <apr_strings.h>

#include <string.h>

enum { BATCH = 1000, SUSPECTS_MAX = 10000 };

/*
 * Found things are looked up by batches. Between the listing and the look-up
 * a thing may go: a temporary file becomes an object, GC removes bytes and
 * then the row. So a stray object is asked for again, and a stray temporary
 * thing counts only if a second listing has it too.
 */
typedef struct listing_t {
    stg_walk_t *walk;
    apr_pool_t *batch_pool;
    stg_found_t batch[BATCH];
    int count;
    apr_pool_t *suspects_pool;
    apr_hash_t *suspects; /* text -> what is wrong */
    int is_second;
} listing_t;

/* --- one thing -------------------------------------------------------------
 */

static int is_repair(const listing_t *listing)
{
    return listing->walk->check->mode == STG_CHECK_REPAIR;
}

/* Ids are never used again, so nobody else will want these bytes. */
static stg_error_t *stray_remove(listing_t *listing, const stg_found_t *found)
{
    stg_store_t *store = listing->walk->store;
    const stg_unfinished_t what = {.key = found->key,
                                   .parts_id = found->parts_id,
                                   .is_object_kept = found->is_temporary};

    return store->driver->remove(store, &what, 1, listing->batch_pool);
}

static stg_error_t *object_stray(listing_t *listing, const stg_found_t *found,
                                 const char *id)
{
    stg_store_t *store = listing->walk->store;
    stg_found_t again;
    stg_error_t *err;

    err = store->driver->head(&again, store, found->key, listing->batch_pool);
    if (err)
        return err->code == STG_E_NOT_FOUND ? STG_OK : err;
    if (is_repair(listing))
        STG_TRY(stray_remove(listing, found));
    stg_walk_report(listing->walk, id, "an object without a row",
                    is_repair(listing));
    return STG_OK;
}

static stg_error_t *object_compare(listing_t *listing, const stg_found_t *found,
                                   const stg_rows_t *rows, int row)
{
    stg_walk_t *walk = listing->walk;
    const char *id = stg_rows_text(rows, row, "id");

    if (strcmp(stg_rows_text(rows, row, "store"), walk->store->name)) {
        /* Two names for one place, perhaps: removing would lose the bytes. */
        stg_walk_report(walk, id, "an object that belongs to another store", 0);
        return STG_OK;
    }
    if (strcmp(stg_rows_text(rows, row, "state"), "stored"))
        return STG_OK;
    stg_tally_add(&walk->listed[stg_tally_range(id)], id);
    if (walk->check->is_deep || found->size < 0 ||
        found->size == stg_rows_int(rows, row, "size"))
        return STG_OK;
    return stg_walk_lost(walk, id, "stored", "the bytes have another size",
                         listing->batch_pool);
}

static const char *suspect_text(const stg_found_t *found, apr_pool_t *p)
{
    return apr_pstrcat(p, found->key, " ", found->parts_id, NULL);
}

static void temporary_suspect(listing_t *listing, const stg_found_t *found,
                              const char *what)
{
    if (apr_hash_count(listing->suspects) < SUSPECTS_MAX)
        apr_hash_set(listing->suspects,
                     suspect_text(found, listing->suspects_pool),
                     APR_HASH_KEY_STRING, what);
}

static stg_error_t *temporary_again(listing_t *listing,
                                    const stg_found_t *found, const char *id)
{
    const char *what = apr_hash_get(listing->suspects,
                                    suspect_text(found, listing->batch_pool),
                                    APR_HASH_KEY_STRING);
    if (!what)
        return STG_OK;
    if (is_repair(listing))
        STG_TRY(stray_remove(listing, found));
    stg_walk_report(listing->walk, id, what, is_repair(listing));
    return STG_OK;
}

static stg_error_t *temporary_compare(listing_t *listing,
                                      const stg_found_t *found, const char *id,
                                      const char *state)
{
    int is_allowed = state && strcmp(state, "stored") != 0;

    if (is_allowed)
        return STG_OK;
    if (listing->is_second)
        return temporary_again(listing, found, id);
    temporary_suspect(listing, found,
                      state ? "unfinished bytes beside a stored object"
                            : "unfinished bytes without a row");
    return STG_OK;
}

/* --- batches ---------------------------------------------------------------
 */

static stg_error_t *rows_find(stg_rows_t **rows, apr_hash_t **by_id,
                              const listing_t *listing)
{
    apr_pool_t *p = listing->batch_pool;
    const char *ids[BATCH];

    for (int i = 0; i < listing->count; i++)
        ids[i] = stg_store_key_id(listing->batch[i].key, p);
    STG_TRY(stg_db_query(rows, listing->walk->staging->db, STG_Q_CHECK_ROWS, p,
                         STG_PARAMS(stg_db_array(ids, listing->count, p))));
    *by_id = apr_hash_make(p);
    for (int i = 0; i < stg_rows_count(*rows); i++) {
        int *row = apr_palloc(p, sizeof(*row));

        *row = i;
        apr_hash_set(*by_id, stg_rows_text(*rows, i, "id"), APR_HASH_KEY_STRING,
                     row);
    }
    return STG_OK;
}

static stg_error_t *batch_compare(listing_t *listing)
{
    apr_hash_t *by_id;
    stg_rows_t *rows;

    if (!listing->count)
        return STG_OK;
    STG_TRY(rows_find(&rows, &by_id, listing));
    for (int i = 0; i < listing->count; i++) {
        const stg_found_t *found = &listing->batch[i];
        const char *id = stg_store_key_id(found->key, listing->batch_pool);
        const int *row = apr_hash_get(by_id, id, APR_HASH_KEY_STRING);

        if (found->is_temporary)
            STG_TRY(temporary_compare(listing, found, id,
                                      row ? stg_rows_text(rows, *row, "state")
                                          : NULL));
        else if (row)
            STG_TRY(object_compare(listing, found, rows, *row));
        else
            STG_TRY(object_stray(listing, found, id));
    }
    listing->count = 0;
    apr_pool_clear(listing->batch_pool);
    return STG_OK;
}

static stg_error_t *found_add(void *context, const stg_found_t *found,
                              apr_pool_t *p)
{
    listing_t *listing = context;
    stg_found_t *kept = &listing->batch[listing->count];

    if (listing->is_second && !found->is_temporary)
        return STG_OK;
    if (!stg_store_key_id(found->key, p)) {
        stg_check_report(listing->walk->check, listing->walk->store->name,
                         found->key, "not of our making, and left alone");
        return STG_OK;
    }
    *kept = *found;
    kept->key = apr_pstrdup(listing->batch_pool, found->key);
    kept->parts_id = apr_pstrdup(listing->batch_pool, found->parts_id);
    kept->etag = NULL;
    if (++listing->count < BATCH)
        return STG_OK;
    return stg_error_copy(batch_compare(listing), p);
}

static stg_error_t *list_all(listing_t *listing, apr_pool_t *p)
{
    stg_store_t *store = listing->walk->store;

    STG_TRY(store->driver->list(store, found_add, listing, p));
    return batch_compare(listing);
}

stg_error_t *stg_walk_listing(stg_walk_t *walk, apr_pool_t *p)
{
    listing_t *listing = apr_pcalloc(p, sizeof(*listing));

    listing->walk = walk;
    apr_pool_create(&listing->batch_pool, p);
    apr_pool_create(&listing->suspects_pool, p);
    listing->suspects = apr_hash_make(listing->suspects_pool);
    STG_TRY(list_all(listing, p));
    if (!apr_hash_count(listing->suspects))
        return STG_OK;
    listing->is_second = 1;
    return list_all(listing, p);
}
