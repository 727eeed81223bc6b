/* SPDX-License-Identifier: Apache-2.0 */
#include "core/gc.h"

#include "base/clock.h"
#include "base/crash.h"
#include "base/metrics.h"
#include "core/node.h"

#include <apr_strings.h>

#include <string.h>

static const char *store_names(const stg_stores_t *stores, apr_pool_t *p)
{
    apr_array_header_t *names = apr_array_make(p, 4, sizeof(const char *));

    for (int i = 0; i < stores->count; i++)
        APR_ARRAY_PUSH(names, const char *) = stores->list[i]->name;
    return stg_db_array((const char *const *)names->elts, names->nelts, p);
}

/* Objects of a batch that are in one store. */
typedef struct share_t {
    stg_unfinished_t *what;
    const char **ids;
    int count;
} share_t;

static share_t share_of(const stg_rows_t *batch, const stg_store_t *store,
                        apr_pool_t *p)
{
    int count = stg_rows_count(batch);
    share_t share = {.count = 0};

    share.what = apr_pcalloc(p, (apr_size_t)count * sizeof(*share.what));
    share.ids = apr_pcalloc(p, (apr_size_t)count * sizeof(*share.ids));

    for (int i = 0; i < count; i++) {
        stg_unfinished_t *what = &share.what[share.count];
        const char *id = stg_rows_text(batch, i, "id");

        if (strcmp(stg_rows_text(batch, i, "store"), store->name))
            continue;
        what->key = stg_store_key(id, p);
        what->parts_id = stg_rows_text(batch, i, "parts_id");
        what->token = id;
        /* What never arrived whole has no size. */
        what->size = stg_rows_text(batch, i, "size")
                         ? stg_rows_int(batch, i, "size")
                         : -1;
        share.ids[share.count++] = id;
    }
    return share;
}

/* The rows go last: while they are there the removal will be tried again. */
static stg_error_t *share_remove(stg_staging_t *staging, stg_store_t *store,
                                 const share_t *share, apr_pool_t *p)
{
    apr_time_t start = stg_clock_monotonic();

    STG_CRASH_POINT("gc-remove");
    STG_TRY(store->driver->remove(store, share->what, share->count, p));
    STG_CRASH_POINT("gc-removed");
    stg_metric_observe(STG_METRIC_STORE_TIME, "remove",
                       stg_clock_monotonic() - start);
    STG_TRY(
        stg_db_query(NULL, staging->db, STG_Q_GC_DELETE_OBJECTS, p,
                     STG_PARAMS(stg_db_array(share->ids, share->count, p))));
    STG_CRASH_POINT("gc-deleted");
    return STG_OK;
}

/* What a store that is down keeps is anybody's to try again. */
static void share_release(stg_staging_t *staging, const share_t *share,
                          const char *claimer, apr_pool_t *p)
{
    const char *ids = stg_db_array(share->ids, share->count, p);
    stg_error_t *err;

    STG_CRASH_POINT("gc-release");
    err = stg_db_query(NULL, staging->db, STG_Q_OBJECT_LET_GO, p,
                       STG_PARAMS(ids, claimer));
    STG_CRASH_POINT("gc-released");
    if (!err)
        return;
    for (int i = 0; i < share->count; i++)
        stg_node_let_go_later(staging->node, share->ids[i]);
}

static stg_error_t *unknown_check(stg_staging_t *staging, const char *names,
                                  apr_pool_t *p)
{
    stg_rows_t *rows;

    STG_TRY(stg_db_query(&rows, staging->db, STG_Q_GC_UNKNOWN_STORE, p,
                         STG_PARAMS(names)));
    if (!stg_rows_count(rows))
        return STG_OK;
    return stg_raise(p, STG_E_STORE_FAILED,
                     "deleted objects wait in the store %s, which is not "
                     "configured",
                     stg_rows_text(rows, 0, "store"));
}

stg_error_t *stg_gc_objects(int *done, stg_staging_t *staging, apr_pool_t *p)
{
    const char *names = store_names(&staging->stores, p);
    const char *claimer = stg_node_id(staging->node);
    stg_error_t *first = STG_OK;
    stg_rows_t *batch;

    *done = 0;
    STG_TRY(
        stg_db_query(&batch, staging->db, STG_Q_GC_CLAIM_OBJECTS, p,
                     STG_PARAMS(apr_itoa(p, STG_GC_BATCH), names, claimer)));
    for (int i = 0; i < staging->stores.count; i++) {
        stg_store_t *store = staging->stores.list[i];
        share_t share = share_of(batch, store, p);
        stg_error_t *err = STG_OK;

        if (share.count)
            err = share_remove(staging, store, &share, p);
        if (err)
            share_release(staging, &share, claimer, p);
        else
            *done += share.count;
        if (!first)
            first = err;
    }
    stg_metric_add(STG_METRIC_GC_REMOVED, *done);
    if (!first && stg_rows_count(batch) < STG_GC_BATCH)
        first = unknown_check(staging, names, p);
    return first;
}

static stg_error_t *count_of(int *done, stg_staging_t *staging,
                             stg_query_t query, apr_pool_t *p)
{
    stg_rows_t *rows;

    STG_TRY(stg_db_query(&rows, staging->db, query, p,
                         STG_PARAMS(apr_itoa(p, STG_GC_BATCH))));
    *done = (int)stg_rows_int(rows, 0, "done");
    return STG_OK;
}

stg_error_t *stg_gc_expired_parts(int *done, stg_staging_t *staging,
                                  apr_pool_t *p)
{
    stg_rows_t *rows;

    STG_CRASH_POINT("part-uploads-expire");
    STG_TRY(stg_db_query(&rows, staging->db, STG_Q_PART_UPLOAD_EXPIRE, p,
                         STG_PARAMS(apr_itoa(p, STG_GC_BATCH),
                                    "the upload was not continued in time")));
    STG_CRASH_POINT("part-uploads-expired");
    *done = (int)stg_rows_int(rows, 0, "done");
    return STG_OK;
}

stg_error_t *stg_gc_ended_parts(int *done, stg_staging_t *staging,
                                apr_pool_t *p)
{
    return count_of(done, staging, STG_Q_PART_UPLOAD_FORGET, p);
}

stg_error_t *stg_gc_tails(int *done, stg_staging_t *staging, apr_pool_t *p)
{
    return count_of(done, staging, STG_Q_PART_UPLOAD_TAILS, p);
}

stg_error_t *stg_gc_tombstones(int *done, stg_staging_t *staging, apr_pool_t *p)
{
    return count_of(done, staging, STG_Q_RESUMABLE_FORGET, p);
}

stg_error_t *stg_gc_sessions(int *done, stg_staging_t *staging, apr_pool_t *p)
{
    return count_of(done, staging, STG_Q_SESSION_FORGET, p);
}

stg_error_t *stg_gc_nodes(int *done, stg_staging_t *staging, apr_pool_t *p)
{
    return stg_node_bury(done, staging->db, p);
}

/* Another thread sets it at any time. */
static int is_set(const int *flag)
{
    return __atomic_load_n(flag, __ATOMIC_RELAXED);
}

/* One step until it finds less than a batch. */
static stg_error_t *step_run(int *done, stg_staging_t *staging,
                             const stg_gc_step_t *step, const int *stop,
                             apr_pool_t *p)
{
    stg_error_t *err = STG_OK;
    apr_pool_t *turn;
    int found;

    apr_pool_create(&turn, p);
    do {
        apr_pool_clear(turn);
        found = 0;
        err = step->run(&found, staging, turn);
        *done += found;
    } while (!err && found >= STG_GC_BATCH && !is_set(stop));
    if (err)
        err = stg_because(stg_error_copy(err, p), p, "garbage collection: %s",
                          step->name);
    apr_pool_destroy(turn);
    return err;
}

stg_error_t *stg_gc_run(int *done, stg_staging_t *staging,
                        const stg_gc_step_t *steps, const int *stop,
                        apr_pool_t *p)
{
    stg_error_t *first = STG_OK;

    *done = 0;
    for (; steps->name && !is_set(stop); steps++) {
        stg_error_t *err = step_run(done, staging, steps, stop, p);

        if (!first)
            first = err;
    }
    if (first)
        stg_metric_add(STG_METRIC_GC_ERRORS, 1);
    return first;
}
