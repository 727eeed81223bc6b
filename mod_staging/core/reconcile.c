/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reconcile.h"

#include "core/object.h"
#include "core/walk.h"
#include "stream/digest.h"

#include <apr_strings.h>

#include <string.h>

enum { BATCH = 1000 };

static const char NO_ID[] = "00000000-0000-0000-0000-000000000000";

/* --- what a store should have ----------------------------------------------
 */

/* Rows of one range of ids, as they come in order. */
typedef struct range_t {
    int number;
    char before[sizeof(NO_ID)]; /* the id that came before its first */
    char last[sizeof(NO_ID)];   /* the last one seen */
    stg_tally_t rows;
} range_t;

static stg_error_t *stored_batch(stg_rows_t **rows, stg_walk_t *walk,
                                 const char *after, apr_uint64_t count,
                                 apr_pool_t *p)
{
    int most = count < BATCH ? (int)count : BATCH;

    return stg_db_query(
        rows, walk->staging->db, STG_Q_CHECK_STORED, p,
        STG_PARAMS(walk->store->name, after, apr_itoa(p, most)));
}

static stg_error_t *is_there(stg_walk_t *walk, const char *id, apr_pool_t *p)
{
    stg_store_t *store = walk->store;
    stg_found_t found;
    stg_error_t *err;

    err = store->driver->head(&found, store, stg_store_key(id, p), p);
    if (err && err->code == STG_E_NOT_FOUND)
        return stg_walk_lost(walk, id, "stored", "the bytes were lost", p);
    return err;
}

static stg_error_t *batch_examine(stg_walk_t *walk, const stg_rows_t *rows,
                                  apr_pool_t *p)
{
    apr_pool_t *turn;

    apr_pool_create(&turn, p);
    for (int i = 0; i < stg_rows_count(rows); i++) {
        apr_pool_clear(turn);
        STG_TRY(is_there(walk, stg_rows_text(rows, i, "id"), turn));
    }
    apr_pool_destroy(turn);
    return STG_OK;
}

/* The tallies of the range differ: ask for each of its objects. */
static stg_error_t *range_examine(stg_walk_t *walk, const range_t *range,
                                  apr_pool_t *p)
{
    const char *after = range->before;
    apr_uint64_t left = range->rows.count;

    while (left > 0) {
        stg_rows_t *rows;
        int count;

        STG_TRY(stored_batch(&rows, walk, after, left, p));
        STG_TRY(batch_examine(walk, rows, p));
        count = stg_rows_count(rows);
        if (!count)
            return STG_OK;
        after = stg_rows_text(rows, count - 1, "id");
        left -= (apr_uint64_t)count;
    }
    return STG_OK;
}

static stg_error_t *range_end(stg_walk_t *walk, range_t *range, apr_pool_t *p)
{
    if (range->number >= 0 &&
        !stg_tally_equal(&range->rows, &walk->listed[range->number]))
        STG_TRY(range_examine(walk, range, p));
    memcpy(range->before, range->last, sizeof(range->before));
    range->rows = (stg_tally_t){0};
    return STG_OK;
}

static stg_error_t *range_add(stg_walk_t *walk, range_t *range, const char *id,
                              apr_pool_t *p)
{
    int number = stg_tally_range(id);

    if (number != range->number) {
        STG_TRY(range_end(walk, range, p));
        range->number = number;
    }
    stg_tally_add(&range->rows, id);
    apr_cpystrn(range->last, id, sizeof(range->last));
    return STG_OK;
}

/* --- reading the bytes again -----------------------------------------------
 */

static stg_error_t *nothing_write(stg_sink_t *sink, const char *bytes,
                                  apr_size_t count)
{
    (void)sink;
    (void)bytes;
    (void)count;
    return STG_OK;
}

static stg_error_t *nothing_close(stg_sink_t *sink)
{
    (void)sink;
    return STG_OK;
}

static const stg_sink_class_t nothing_class = {nothing_write, nothing_close};

static int digests_equal(const stg_digest_t *digest, const stg_rows_t *rows,
                         int row)
{
    for (int i = 0; i < STG_ALGORITHMS; i++) {
        const char *kept = stg_rows_text(rows, row, stg_algorithm_name(i));

        if (kept && strcmp(kept, stg_digest_hex(digest, i)) != 0)
            return 0;
    }
    return 1;
}

static stg_error_t *object_read(stg_walk_t *walk, const stg_rows_t *rows,
                                int row, apr_pool_t *p)
{
    const char *id = stg_rows_text(rows, row, "id");
    stg_sink_t nothing = {&nothing_class, p};
    stg_digest_t *digest =
        stg_digest_create(&nothing, (1u << STG_ALGORITHMS) - 1, p);
    stg_error_t *err;

    err = walk->store->driver->read(walk->store, stg_store_key(id, p), 0, -1,
                                    stg_digest_sink(digest), p);
    if (err && err->code == STG_E_NOT_FOUND)
        return stg_walk_lost(walk, id, "stored", "the bytes were lost", p);
    STG_TRY(err);
    STG_TRY(stg_digest_settle(digest));
    if (stg_digest_size(digest) == stg_rows_int(rows, row, "size") &&
        digests_equal(digest, rows, row))
        return STG_OK;
    return stg_walk_lost(walk, id, "stored", "the bytes are damaged", p);
}

static stg_error_t *batch_read(stg_walk_t *walk, const stg_rows_t *rows,
                               apr_pool_t *p)
{
    apr_pool_t *turn;

    apr_pool_create(&turn, p);
    for (int i = 0; i < stg_rows_count(rows); i++) {
        apr_pool_clear(turn);
        STG_TRY(object_read(walk, rows, i, turn));
    }
    apr_pool_destroy(turn);
    return STG_OK;
}

static stg_error_t *batch_tally(stg_walk_t *walk, range_t *range,
                                const stg_rows_t *rows, apr_pool_t *p)
{
    for (int i = 0; i < stg_rows_count(rows); i++)
        STG_TRY(range_add(walk, range, stg_rows_text(rows, i, "id"), p));
    return STG_OK;
}

static stg_error_t *stored_check(stg_walk_t *walk, apr_pool_t *p)
{
    range_t range = {.number = -1};
    char after[sizeof(NO_ID)];
    apr_pool_t *turn;
    int count;

    memcpy(after, NO_ID, sizeof(after));
    memcpy(range.before, NO_ID, sizeof(range.before));
    memcpy(range.last, NO_ID, sizeof(range.last));
    apr_pool_create(&turn, p);
    do {
        stg_rows_t *rows;

        apr_pool_clear(turn);
        STG_TRY(stored_batch(&rows, walk, after, BATCH, turn));
        count = stg_rows_count(rows);
        if (walk->check->is_deep)
            STG_TRY(batch_read(walk, rows, turn));
        else
            STG_TRY(batch_tally(walk, &range, rows, turn));
        if (count)
            apr_cpystrn(after, stg_rows_text(rows, count - 1, "id"),
                        sizeof(after));
        walk->check->objects += count;
    } while (count == BATCH);
    STG_TRY(range_end(walk, &range, turn));
    apr_pool_destroy(turn);
    return STG_OK;
}

/* --- rows that wait for what will not come ---------------------------------
 */

static stg_error_t *abandoned_check(stg_walk_t *walk, apr_pool_t *p)
{
    const char *after = NO_ID;
    stg_rows_t *rows;

    do {
        STG_TRY(stg_db_query(
            &rows, walk->staging->db, STG_Q_CHECK_ABANDONED, p,
            STG_PARAMS(walk->store->name, after, apr_itoa(p, BATCH))));
        for (int i = 0; i < stg_rows_count(rows); i++) {
            after = stg_rows_text(rows, i, "id");
            STG_TRY(stg_walk_lost(walk, after, "receiving",
                                  "the server that received it is gone", p));
        }
    } while (stg_rows_count(rows) == BATCH);
    return STG_OK;
}

static stg_error_t *store_check(stg_check_t *check, stg_staging_t *staging,
                                stg_store_t *store, apr_pool_t *p)
{
    stg_walk_t walk = {.check = check, .staging = staging, .store = store};

    walk.listed = apr_pcalloc(p, STG_TALLY_RANGES * sizeof(*walk.listed));
    STG_TRY(stg_walk_listing(&walk, p));
    STG_TRY(stored_check(&walk, p));
    return abandoned_check(&walk, p);
}

/* --- what belongs to no store ----------------------------------------------
 */

static stg_error_t *unknown_stores_check(stg_check_t *check,
                                         stg_staging_t *staging, apr_pool_t *p)
{
    apr_array_header_t *names = apr_array_make(p, 4, sizeof(const char *));
    stg_rows_t *rows;

    for (int i = 0; i < staging->stores.count; i++)
        APR_ARRAY_PUSH(names, const char *) = staging->stores.list[i]->name;
    STG_TRY(
        stg_db_query(&rows, staging->db, STG_Q_CHECK_UNKNOWN_STORE, p,
                     STG_PARAMS(stg_db_array((const char *const *)names->elts,
                                             names->nelts, p))));
    for (int i = 0; i < stg_rows_count(rows); i++)
        stg_check_report(check, stg_rows_text(rows, i, "store"), "-",
                         "a store that is not configured has objects");
    return STG_OK;
}

stg_error_t *stg_check_run(stg_check_t *check, stg_staging_t *staging,
                           apr_pool_t *p)
{
    apr_pool_t *turn;

    apr_pool_create(&turn, p);
    for (int i = 0; i < staging->stores.count; i++) {
        apr_pool_clear(turn);
        STG_TRY(store_check(check, staging, staging->stores.list[i], turn));
    }
    STG_TRY(unknown_stores_check(check, staging, turn));
    STG_TRY(stg_relations_check(check, staging->db, turn));
    apr_pool_destroy(turn);
    return STG_OK;
}
