/* SPDX-License-Identifier: Apache-2.0 */
#include "core/node.h"
#include "core/neighbour.h"

#include "base/clock.h"
#include "base/crash.h"
#include "base/ids.h"
#include "base/log.h"

#include <apr_strings.h>
#include <apr_tables.h>
#include <apr_thread_mutex.h>

#include <assert.h>
#include <unistd.h>

/* Before the earliest burial that nobody relies on the lease. */
enum { MARGIN_SECONDS = 5 };

struct stg_node_t {
    apr_thread_mutex_t *mutex;
    struct {
        apr_pool_t *pool;
        const char *id;
        int has_row;
        apr_time_t renewed; /* monotonic; 0 = never */
        apr_pool_t *debts_pool;
        apr_array_header_t *debts; /* of object ids */
    } synced;
};

static void debts_clear_synced(stg_node_t *node)
{
    apr_pool_clear(node->synced.debts_pool);
    node->synced.debts =
        apr_array_make(node->synced.debts_pool, 8, sizeof(const char *));
}

static apr_status_t node_cleanup(void *data)
{
    stg_node_t *node = data;

    apr_pool_destroy(node->synced.pool);
    return APR_SUCCESS;
}

stg_node_t *stg_node_create(apr_pool_t *p)
{
    stg_node_t *node = apr_pcalloc(p, sizeof(*node));
    apr_status_t status;

    /* A pool without a parent, since several threads cause allocations. */
    apr_pool_create(&node->synced.pool, NULL);
    apr_pool_cleanup_register(p, node, node_cleanup, apr_pool_cleanup_null);
    apr_pool_create(&node->synced.debts_pool, node->synced.pool);
    status = apr_thread_mutex_create(&node->mutex, APR_THREAD_MUTEX_DEFAULT,
                                     node->synced.pool);
    assert(status == APR_SUCCESS);
    (void)status;
    node->synced.id = stg_uuid_create(node->synced.pool);
    debts_clear_synced(node);
    return node;
}

const char *stg_node_id(const stg_node_t *node)
{
    const char *id;

    apr_thread_mutex_lock(node->mutex);
    id = node->synced.id;
    apr_thread_mutex_unlock(node->mutex);
    return id;
}

static int node_has_row(const stg_node_t *node)
{
    int has_row;

    apr_thread_mutex_lock(node->mutex);
    has_row = node->synced.has_row;
    apr_thread_mutex_unlock(node->mutex);
    return has_row;
}

/* The lease counts from before the statement was sent: the database cannot
 * have seen it earlier. */
static void node_renewed(stg_node_t *node, apr_time_t start)
{
    apr_thread_mutex_lock(node->mutex);
    node->synced.has_row = 1;
    node->synced.renewed = start;
    apr_thread_mutex_unlock(node->mutex);
}

static void node_buried(stg_node_t *node)
{
    apr_thread_mutex_lock(node->mutex);
    node->synced.id = stg_uuid_create(node->synced.pool);
    node->synced.has_row = 0;
    node->synced.renewed = 0;
    /* What names a node that is buried is free already. */
    debts_clear_synced(node);
    apr_thread_mutex_unlock(node->mutex);
}

static stg_error_t *node_begin(stg_node_t *node, stg_db_t *db, apr_pool_t *p)
{
    apr_time_t start = stg_clock_monotonic();
    const char *place = stg_neighbour_place(p);

    STG_CRASH_POINT("node-begin");
    STG_TRY(stg_db_query(NULL, db, STG_Q_NODE_BEGIN, p,
                         STG_PARAMS(stg_node_id(node), place ? place : "",
                                    apr_itoa(p, (int)getpid()),
                                    apr_itoa(p, STG_NODE_LEASE_SECONDS))));
    STG_CRASH_POINT("node-begun");
    node_renewed(node, start);
    return STG_OK;
}

stg_error_t *stg_node_renew(stg_node_t *node, stg_db_t *db, apr_pool_t *p)
{
    apr_time_t start = stg_clock_monotonic();
    stg_rows_t *rows;

    if (!node_has_row(node))
        return node_begin(node, db, p);
    STG_TRY(stg_db_query(
        &rows, db, STG_Q_NODE_RENEW, p,
        STG_PARAMS(stg_node_id(node), apr_itoa(p, STG_NODE_LEASE_SECONDS))));
    STG_CRASH_POINT("node-renewed");
    if (stg_rows_count(rows)) {
        node_renewed(node, start);
        return STG_OK;
    }
    stg_log(STG_LOG_WARNING,
            "the lease of this process ran out and was ended by another: "
            "uploads that it was receiving fail");
    node_buried(node);
    return node_begin(node, db, p);
}

/* Suspected when the lease has ended, buried a patience later: never before
 * both have passed. */
int stg_node_is_alive(const stg_node_t *node)
{
    const apr_time_t certain = apr_time_from_sec(
        STG_NODE_LEASE_SECONDS + STG_NODE_PATIENCE_SECONDS - MARGIN_SECONDS);
    apr_time_t renewed;

    apr_thread_mutex_lock(node->mutex);
    renewed = node->synced.renewed;
    apr_thread_mutex_unlock(node->mutex);
    return renewed && stg_clock_monotonic() < renewed + certain;
}

stg_error_t *stg_node_retire(stg_node_t *node, stg_db_t *db, apr_pool_t *p)
{
    const char *id = stg_node_id(node);

    if (!node_has_row(node))
        return STG_OK;
    /* From here on nothing may begin under the old id. */
    node_buried(node);
    STG_CRASH_POINT("node-retire");
    STG_TRY(stg_db_query(NULL, db, STG_Q_NODE_RETIRE, p, STG_PARAMS(id)));
    STG_CRASH_POINT("node-retired");
    return STG_OK;
}

void stg_node_let_go_later(stg_node_t *node, const char *object_id)
{
    apr_thread_mutex_lock(node->mutex);
    APR_ARRAY_PUSH(node->synced.debts, const char *) =
        apr_pstrdup(node->synced.debts_pool, object_id);
    apr_thread_mutex_unlock(node->mutex);
}

stg_error_t *stg_node_named(stg_node_t *node, const char *object_id,
                            stg_error_t *err)
{
    if (err && err->is_unsure)
        stg_node_let_go_later(node, object_id);
    return err;
}

/* The debts so far, which the node forgets. */
static apr_array_header_t *debts_take(stg_node_t *node, apr_pool_t *p)
{
    apr_array_header_t *taken = apr_array_make(p, 8, sizeof(const char *));

    apr_thread_mutex_lock(node->mutex);
    for (int i = 0; i < node->synced.debts->nelts; i++)
        APR_ARRAY_PUSH(taken, const char *) =
            apr_pstrdup(p, APR_ARRAY_IDX(node->synced.debts, i, const char *));
    debts_clear_synced(node);
    apr_thread_mutex_unlock(node->mutex);
    return taken;
}

stg_error_t *stg_node_settle_debts(stg_node_t *node, stg_db_t *db,
                                   apr_pool_t *p)
{
    apr_array_header_t *ids = debts_take(node, p);
    stg_error_t *err;

    if (!ids->nelts)
        return STG_OK;
    STG_CRASH_POINT("debts-settle");
    err = stg_db_query(
        NULL, db, STG_Q_OBJECT_LET_GO, p,
        STG_PARAMS(stg_db_array((const char *const *)ids->elts, ids->nelts, p),
                   stg_node_id(node)));
    STG_CRASH_POINT("debts-settled");
    for (int i = 0; err && i < ids->nelts; i++)
        stg_node_let_go_later(node, APR_ARRAY_IDX(ids, i, const char *));
    return err;
}

/* Nothing but what their last calls may still be doing is waited for. */
static stg_error_t *suspect_neighbours(stg_db_t *db, apr_pool_t *p)
{
    const char *place = stg_neighbour_place(p);
    apr_array_header_t *gone = apr_array_make(p, 4, sizeof(const char *));
    stg_rows_t *rows;

    if (!place)
        return STG_OK;
    STG_TRY(
        stg_db_query(&rows, db, STG_Q_NODE_NEIGHBOURS, p, STG_PARAMS(place)));
    for (int i = 0; i < stg_rows_count(rows); i++) {
        if (stg_neighbour_is_gone((int)stg_rows_int(rows, i, "pid")))
            APR_ARRAY_PUSH(gone, const char *) = stg_rows_text(rows, i, "id");
    }
    if (!gone->nelts)
        return STG_OK;
    return stg_db_query(
        NULL, db, STG_Q_NODE_GONE, p,
        STG_PARAMS(
            stg_db_array((const char *const *)gone->elts, gone->nelts, p),
            apr_itoa(p, STG_NODE_PATIENCE_SECONDS - STG_NODE_GONE_SECONDS)));
}

stg_error_t *stg_node_bury(int *buried, stg_db_t *db, apr_pool_t *p)
{
    const char *patience = apr_itoa(p, STG_NODE_PATIENCE_SECONDS);
    stg_rows_t *rows;

    STG_TRY(suspect_neighbours(db, p));
    STG_TRY(
        stg_db_query(NULL, db, STG_Q_NODE_SUSPECT, p, STG_PARAMS(patience)));
    STG_CRASH_POINT("nodes-suspected");
    STG_TRY(stg_db_query(&rows, db, STG_Q_NODE_BURY, p, STG_PARAMS(patience)));
    STG_CRASH_POINT("nodes-buried");
    if (buried)
        *buried = stg_rows_count(rows);
    return STG_OK;
}

stg_error_t *stg_node_suspects(int *count, stg_db_t *db, apr_pool_t *p)
{
    stg_rows_t *rows;

    STG_TRY(stg_db_query(&rows, db, STG_Q_NODE_SUSPECTS, p, STG_NO_PARAMS));
    *count = (int)stg_rows_int(rows, 0, "suspects");
    return STG_OK;
}
