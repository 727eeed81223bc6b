/* SPDX-License-Identifier: Apache-2.0 */
#include "core/object.h"

#include "base/clock.h"
#include "base/crash.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/metrics.h"
#include "core/node.h"

#include <apr_strings.h>

#include <string.h>

/*
 * Callers write to the object's own sink, which hands on to the digest and
 * that one to the store. The two live in a pool of their own, because
 * stg_object_discard() must end them, with the threads and requests they may
 * have under way, before it removes the bytes; so errors and results that the
 * caller keeps are copied.
 */
struct stg_object_t {
    stg_sink_t sink;
    stg_staging_t *staging;
    stg_store_t *store;
    const char *id;
    const char *receiver;  /* our node's id when this began */
    apr_pool_t *pipe_pool; /* NULL after discard */
    stg_digest_t *digest;
    int is_settled;
    stg_receipt_t receipt;
    const char *parts_id; /* NULL: none were begun */
    apr_off_t size;
    const char *digests[STG_ALGORITHMS];
};

static stg_error_t *object_write(stg_sink_t *sink, const char *bytes,
                                 apr_size_t count)
{
    stg_object_t *object = (stg_object_t *)sink;

    return stg_error_copy(
        stg_sink_write(stg_digest_sink(object->digest), bytes, count),
        sink->pool);
}

/* The last word is commit's. */
static stg_error_t *object_close(stg_sink_t *sink)
{
    return stg_object_settle((stg_object_t *)sink);
}

static const stg_sink_class_t object_class = {object_write, object_close};

static stg_error_t *parts_begun(void *context, const char *parts_id,
                                apr_pool_t *p)
{
    stg_object_t *object = context;
    stg_rows_t *rows;

    STG_CRASH_POINT("parts-begin");
    STG_TRY(stg_db_query(&rows, object->staging->db, STG_Q_OBJECT_PARTS_BEGUN,
                         p, STG_PARAMS(object->id, parts_id)));
    STG_CRASH_POINT("parts-begun");
    if (!stg_rows_count(rows))
        return stg_raise(p, STG_E_NOT_FOUND,
                         "the upload was deleted while it was being received");
    object->parts_id = apr_pstrdup(object->sink.pool, parts_id);
    return STG_OK;
}

/* May what we have begun still count as ours? */
static stg_error_t *lease_check(const stg_object_t *object, apr_pool_t *p)
{
    const stg_node_t *node = object->staging->node;

    if (stg_node_is_alive(node) && !strcmp(stg_node_id(node), object->receiver))
        return STG_OK;
    return stg_because(
        stg_raise(p, STG_E_BUSY,
                  "the server has lost its database for a while"),
        p, "the lease of the node has run out");
}

static stg_error_t *pipe_open(stg_object_t *object,
                              const stg_object_plan_t *plan)
{
    apr_pool_t *p = object->pipe_pool;
    const stg_object_spec_t spec = {.key = stg_store_key(object->id, p),
                                    .content_type = plan->content_type,
                                    .token = object->id,
                                    .size = plan->size,
                                    .least = plan->least,
                                    .receipt = &object->receipt,
                                    .on_parts_begun = parts_begun,
                                    .context = object};
    stg_sink_t *bytes;

    STG_TRY(lease_check(object, p));
    STG_TRY(plan->store->driver->create(&bytes, plan->store, &spec, p));
    object->digest = stg_digest_create(bytes, plan->algorithms, p);
    return STG_OK;
}

stg_error_t *stg_object_receive(stg_object_t **object, stg_staging_t *staging,
                                const stg_object_plan_t *plan, apr_pool_t *p)
{
    stg_object_t *made = apr_pcalloc(p, sizeof(*made));
    stg_error_t *err;

    made->sink = (stg_sink_t){&object_class, p};
    made->staging = staging;
    made->store = plan->store;
    made->id = apr_pstrdup(p, plan->id);
    made->receiver = stg_node_id(staging->node);
    apr_pool_create(&made->pipe_pool, p);
    apr_pool_tag(made->pipe_pool, "object");
    err = stg_error_copy(pipe_open(made, plan), p);
    if (err)
        stg_object_discard(made);
    else
        *object = made;
    return err;
}

stg_sink_t *stg_object_sink(stg_object_t *object)
{
    return &object->sink;
}

stg_error_t *stg_object_settle(stg_object_t *object)
{
    apr_pool_t *p = object->sink.pool;

    if (object->is_settled)
        return STG_OK;
    STG_TRY(stg_error_copy(stg_digest_settle(object->digest), p));
    object->size = stg_digest_size(object->digest);
    for (int i = 0; i < STG_ALGORITHMS; i++)
        object->digests[i] = apr_pstrdup(p, stg_digest_hex(object->digest, i));
    object->is_settled = 1;
    return STG_OK;
}

stg_error_t *stg_object_commit(stg_object_t *object)
{
    apr_pool_t *p = object->sink.pool;
    apr_time_t start = stg_clock_monotonic();

    STG_TRY(stg_object_settle(object));
    STG_TRY(lease_check(object, p));
    STG_CRASH_POINT("object-commit");
    STG_TRY(stg_error_copy(stg_sink_close(stg_digest_sink(object->digest)), p));
    STG_CRASH_POINT("object-committed");
    stg_metric_observe(STG_METRIC_STORE_TIME, "write",
                       stg_clock_monotonic() - start);
    object->receipt.etag = apr_pstrdup(p, object->receipt.etag);
    if (object->receipt.size == object->size)
        return STG_OK;
    return stg_because(stg_raise(p, STG_E_STORE_FAILED,
                                 "the store did not keep all that was sent"),
                       p, "sent %" APR_OFF_T_FMT ", kept %" APR_OFF_T_FMT,
                       object->size, object->receipt.size);
}

stg_error_t *stg_object_commit_whole(stg_object_t *object)
{
    apr_pool_t *p = object->sink.pool;
    stg_unfinished_t what = {.token = object->id};

    STG_TRY(stg_object_commit(object));
    if (object->receipt.is_finished)
        return STG_OK;
    what.key = stg_store_key(object->id, p);
    what.parts_id = object->parts_id;
    what.size = object->size;
    what.etag = object->receipt.etag;
    STG_TRY(object->store->driver->finish(object->store, &what, p));
    object->receipt.is_finished = 1;
    return STG_OK;
}

int stg_object_is_finished(const stg_object_t *object)
{
    return object->receipt.is_finished;
}

apr_off_t stg_object_size(const stg_object_t *object)
{
    return object->size;
}

const char *stg_object_digest(const stg_object_t *object,
                              stg_algorithm_t algorithm)
{
    return object->digests[algorithm];
}

const char *stg_object_id(const stg_object_t *object)
{
    return object->id;
}

const char *stg_object_etag(const stg_object_t *object)
{
    return object->receipt.etag;
}

/* The database first: only it knows whether the object counts as complete. */
static stg_error_t *discard(const stg_object_t *object, apr_pool_t *p)
{
    const stg_unfinished_t what = {.key = stg_store_key(object->id, p)};
    stg_error_t *err;
    stg_rows_t *rows;

    STG_CRASH_POINT("object-discard");
    STG_TRY(stg_db_query(&rows, object->staging->db, STG_Q_OBJECT_DISCARD, p,
                         STG_PARAMS(object->id)));
    STG_CRASH_POINT("object-let-go");
    if (stg_rows_count(rows) && stg_rows_int(rows, 0, "is_kept"))
        return STG_OK;
    err = object->store->driver->remove(object->store, &what, 1, p);
    STG_CRASH_POINT("object-discarded");
    if (err)
        stg_log(STG_LOG_INFO, "object %s is left to garbage collection: %s",
                object->id, stg_error_text(err, p));
    return STG_OK;
}

/* The sinks end first, with all that they have under way: nothing may arrive
 * after the removal. */
void stg_object_discard(stg_object_t *object)
{
    stg_error_t *err;
    apr_pool_t *p;

    if (object->pipe_pool)
        apr_pool_destroy(object->pipe_pool);
    object->pipe_pool = NULL;
    apr_pool_create(&p, object->sink.pool);
    err = discard(object, p);
    if (err) {
        stg_log(STG_LOG_INFO, "object %s is let go of later: %s", object->id,
                stg_error_text(err, p));
        stg_node_let_go_later(object->staging->node, object->id);
    }
    apr_pool_destroy(p);
}

static stg_error_t *let_go(stg_staging_t *staging, const char *id,
                           apr_pool_t *p)
{
    return stg_db_query(
        NULL, staging->db, STG_Q_OBJECT_LET_GO, p,
        STG_PARAMS(stg_db_array(&id, 1, p), stg_node_id(staging->node)));
}

stg_error_t *stg_object_probe(const char **summary, stg_staging_t *staging,
                              stg_store_t *store, apr_pool_t *p)
{
    const char *id = stg_uuid_create(p);
    stg_error_t *err;

    STG_CRASH_POINT("probe-begin");
    STG_TRY(stg_node_named(
        staging->node, id,
        stg_db_query(NULL, staging->db, STG_Q_OBJECT_PROBE, p,
                     STG_PARAMS(id, store->name, stg_node_id(staging->node)))));
    STG_CRASH_POINT("probe-begun");
    err = store->driver->probe(summary, store, stg_store_key(id, p), p);
    STG_CRASH_POINT("probe-ended");
    if (let_go(staging, id, p))
        stg_node_let_go_later(staging->node, id);
    STG_CRASH_POINT("probe-let-go");
    return err;
}

/* Of what came over many requests exactly these are the object; the store may
 * have others. */
static stg_error_t *parts_list(stg_unfinished_t *what, stg_staging_t *staging,
                               const char *object_id, apr_pool_t *p)
{
    stg_stored_part_t *parts;
    stg_rows_t *rows;
    int count;

    STG_TRY(stg_db_query(&rows, staging->db, STG_Q_PART_LIST, p,
                         STG_PARAMS(object_id)));
    count = stg_rows_count(rows);
    if (!count)
        return STG_OK;
    parts = apr_pcalloc(p, (apr_size_t)count * sizeof(*parts));
    for (int i = 0; i < count; i++)
        parts[i] = (stg_stored_part_t){
            .number = (int)stg_rows_int(rows, i, "number"),
            .segment = (int)stg_rows_int(rows, i, "segment"),
            .first = stg_rows_int(rows, i, "first"),
            .size = stg_rows_int(rows, i, "size"),
            .etag = stg_rows_text(rows, i, "etag")};
    what->parts = parts;
    what->part_count = count;
    return STG_OK;
}

static stg_error_t *finish(stg_staging_t *staging, const char *object_id,
                           const stg_rows_t *row, apr_pool_t *p)
{
    const char *name = stg_rows_text(row, 0, "store");
    stg_store_t *store = stg_stores_find(&staging->stores, name);
    stg_unfinished_t what = {.key = stg_store_key(object_id, p),
                             .parts_id = stg_rows_text(row, 0, "parts_id"),
                             .size = stg_rows_int(row, 0, "size"),
                             .etag = stg_rows_text(row, 0, "etag"),
                             .token = object_id};
    apr_time_t start = stg_clock_monotonic();
    stg_error_t *err;

    if (!store)
        return stg_because(stg_raise(p, STG_E_STORE_DOWN,
                                     "the store of the object is not there"),
                           p, "no store %s is configured", name);
    STG_TRY(parts_list(&what, staging, object_id, p));
    err = store->driver->finish(store, &what, p);
    stg_metric_observe(STG_METRIC_STORE_TIME, "finish",
                       stg_clock_monotonic() - start);
    if (!err || err->code != STG_E_NOT_FOUND)
        return err;
    /* NOT_FOUND is what we say when it is the row that is gone. */
    return stg_because(stg_raise(p, STG_E_STORE_FAILED,
                                 "the store has lost the parts of the object"),
                       p, "%s", stg_error_text(err, p));
}

stg_error_t *stg_object_finish_parts(stg_staging_t *staging,
                                     const char *object_id, apr_pool_t *p)
{
    stg_error_t *err;
    stg_rows_t *row;

    STG_TRY(stg_node_named(
        staging->node, object_id,
        stg_db_query(&row, staging->db, STG_Q_OBJECT_FINISH, p,
                     STG_PARAMS(object_id, stg_node_id(staging->node)))));
    if (!stg_rows_count(row))
        return stg_raise(p, STG_E_NOT_FOUND, "there is nothing to finish");
    STG_CRASH_POINT("finish-begun");
    err = finish(staging, object_id, row, p);
    STG_CRASH_POINT("finish-ended");
    if (let_go(staging, object_id, p))
        stg_node_let_go_later(staging->node, object_id);
    STG_CRASH_POINT("finish-let-go");
    return err;
}
