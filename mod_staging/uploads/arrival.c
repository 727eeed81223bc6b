/* SPDX-License-Identifier: Apache-2.0 */
#include "uploads/upload.h"

#include "base/clock.h"
#include "base/crash.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/metrics.h"
#include "core/node.h"
#include "core/worker.h"

#include <apr_strings.h>

#include <string.h>

struct stg_arrival_t {
    stg_staging_t *staging;
    stg_upload_spec_t spec;
    stg_quota_t quota;
    const char *id;
    const char *object_id;
    const char *receiver;
    stg_object_t *object;
    stg_sink_t *sink;
    apr_time_t began;
    apr_pool_t *pool;
};

static stg_quota_t quota_of(const stg_upload_spec_t *spec,
                            const stg_staging_t *staging)
{
    return (stg_quota_t){.db = staging->db,
                         .service = spec->service,
                         .owner = spec->owner,
                         .limit = spec->quota,
                         .more = spec->most};
}

stg_error_t *stg_arrival_look(stg_upload_spec_t *spec,
                              const stg_staging_t *staging, apr_pool_t *p)
{
    stg_quota_t quota = quota_of(spec, staging);

    /* begun before its body, which is as long as that */
    if (spec->size >= 0)
        return STG_OK;
    return stg_quota_look(&spec->room, &quota, p);
}

static stg_error_t *insert(const stg_arrival_t *arrival)
{
    const stg_upload_spec_t *spec = &arrival->spec;
    apr_pool_t *p = arrival->pool;

    return stg_quota_query(
        NULL, &arrival->quota, STG_Q_UPLOAD_BEGIN, p,
        STG_PARAMS(arrival->id, arrival->object_id, spec->store->name,
                   arrival->receiver, spec->service, spec->owner,
                   spec->filename, spec->filename, spec->content_type,
                   apr_off_t_toa(p, spec->retention),
                   spec->most < 0 ? NULL : apr_off_t_toa(p, spec->most)));
}

stg_error_t *stg_arrival_begin(stg_arrival_t **out, stg_staging_t *staging,
                               const stg_upload_spec_t *spec, apr_pool_t *p)
{
    stg_arrival_t *arrival = apr_pcalloc(p, sizeof(*arrival));
    stg_error_t *err;

    arrival->staging = staging;
    arrival->spec = *spec;
    arrival->quota = quota_of(spec, staging);
    arrival->id = stg_uuid_create(p);
    arrival->object_id = stg_uuid_create(p);
    arrival->receiver = apr_pstrdup(p, stg_node_id(staging->node));
    arrival->began = stg_clock_monotonic();
    arrival->pool = p;
    STG_CRASH_POINT("arrival-begin");
    STG_TRY(stg_node_named(staging->node, arrival->object_id, insert(arrival)));
    STG_CRASH_POINT("arrival-begun");
    err = stg_object_receive(
        &arrival->object, staging,
        &(stg_object_plan_t){.store = spec->store,
                             .id = arrival->object_id,
                             .content_type = spec->content_type,
                             .size = spec->size,
                             .least = spec->least,
                             .algorithms = spec->algorithms},
        p);
    if (err) {
        stg_arrival_fail(arrival, NULL, err);
        err->message =
            apr_psprintf(p, "upload %s failed: %s", arrival->id, err->message);
        return err;
    }
    arrival->sink =
        stg_limit_sink(stg_object_sink(arrival->object), spec->max_size, p);
    if (spec->quota && spec->most < 0)
        arrival->sink =
            stg_quota_sink(arrival->sink, &arrival->quota, spec->room, p);
    *out = arrival;
    return STG_OK;
}

const char *stg_arrival_id(const stg_arrival_t *arrival)
{
    return arrival->id;
}

stg_sink_t *stg_arrival_sink(stg_arrival_t *arrival)
{
    return arrival->sink;
}

static stg_error_t *check_digests(const stg_arrival_t *arrival,
                                  const stg_digests_t *announced)
{
    for (int i = 0; i < STG_ALGORITHMS; i++) {
        const char *want = announced->hex[i];
        const char *have = stg_object_digest(arrival->object, i);

        if (want && !have)
            return stg_raise(arrival->pool, STG_E_INVALID,
                             "the %s in the trailer cannot be checked: "
                             "announce it with the header Trailer",
                             stg_algorithm_name(i));
        if (want && strcmp(want, have))
            return stg_raise(arrival->pool, STG_E_DIGEST_MISMATCH,
                             "the %s of what arrived is %s, announced was %s",
                             stg_algorithm_name(i), have, want);
    }
    return STG_OK;
}

/* The object appears before the row says success: a crash in between leaves
 * an object that GC removes, never a success without bytes. */
stg_error_t *stg_arrival_finish(stg_upload_t **upload, stg_arrival_t *arrival,
                                const char *label,
                                const stg_digests_t *announced)
{
    stg_object_t *object = arrival->object;
    apr_pool_t *p = arrival->pool;
    stg_quota_t quota = arrival->quota;
    stg_rows_t *rows;
    int is_finished;

    STG_TRY(stg_object_settle(object));
    STG_CRASH_POINT("arrival-settled");
    STG_TRY(check_digests(arrival, announced));
    STG_TRY(stg_object_commit(object));
    STG_CRASH_POINT("arrival-receive");
    is_finished = stg_object_is_finished(object);
    quota.more = stg_object_size(object);
    /* what had a size has its room already */
    if (arrival->spec.most >= 0)
        quota.limit = 0;
    STG_TRY(
        stg_quota_query(&rows, &quota, STG_Q_UPLOAD_RECEIVED, p,
                        STG_PARAMS(arrival->object_id, arrival->receiver, label,
                                   apr_off_t_toa(p, stg_object_size(object)),
                                   stg_object_digest(object, STG_MD5),
                                   stg_object_digest(object, STG_SHA1),
                                   stg_object_digest(object, STG_SHA256),
                                   stg_object_digest(object, STG_SHA512),
                                   stg_object_etag(object),
                                   is_finished ? "stored" : "finishing")));
    if (!stg_rows_count(rows))
        return stg_raise(p, STG_E_NOT_FOUND,
                         "upload %s was deleted while it arrived", arrival->id);
    *upload = apr_pcalloc(p, sizeof(**upload));
    stg_upload_read(*upload, rows, 0);
    STG_CRASH_POINT("arrival-received");
    if (!is_finished) {
        STG_CRASH_POINT("arrival-received-parts");
        stg_worker_wake(arrival->staging->worker);
    }
    stg_metric_add_to(STG_METRIC_UPLOADS, is_finished ? "success" : "pending",
                      NULL, 1);
    stg_metric_add(STG_METRIC_UPLOAD_BYTES, stg_object_size(object));
    stg_metric_observe(STG_METRIC_UPLOAD_TIME, NULL,
                       stg_clock_monotonic() - arrival->began);
    return STG_OK;
}

void stg_arrival_fail(stg_arrival_t *arrival, const char *label,
                      const stg_error_t *why)
{
    apr_pool_t *p = arrival->pool;
    stg_error_t *err;

    stg_metric_add_to(STG_METRIC_UPLOADS, "failure", NULL, 1);
    STG_CRASH_POINT("arrival-fail");
    err = stg_db_query(NULL, arrival->staging->db, STG_Q_UPLOAD_FAILED, p,
                       STG_PARAMS(arrival->object_id,
                                  label ? label : arrival->spec.filename,
                                  why->message));
    if (err)
        stg_log(STG_LOG_WARNING,
                "upload %s failed, but its row is as it was: %s", arrival->id,
                stg_error_text(err, p));
    STG_CRASH_POINT("arrival-failed");
    if (arrival->object)
        stg_object_discard(arrival->object);
}
