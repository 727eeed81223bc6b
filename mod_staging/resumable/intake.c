/* SPDX-License-Identifier: Apache-2.0 */
#include "resumable/intake.h"

#include "auth/principal.h"
#include "base/crash.h"
#include "resumable/dialect.h"
#include "web/body.h"
#include "web/drain.h"
#include "web/in_flight.h"

#include <apr_strings.h>

/* What comes first: counts, and refuses what is too much. */
typedef struct gate_t {
    stg_sink_t sink;
    stg_sink_t *next;
    apr_off_t room; /* until the length; -1: not known */
    apr_off_t most; /* in one request; 0: no limit */
    apr_off_t seen;
    int is_beyond;
} gate_t;

static stg_error_t *gate_write(stg_sink_t *sink, const char *bytes,
                               apr_size_t count)
{
    gate_t *gate = (gate_t *)sink;
    apr_off_t seen = gate->seen + (apr_off_t)count;

    if (gate->most && seen > gate->most)
        return stg_raise(sink->pool, STG_E_TOO_LARGE,
                         "one request may bring %" APR_OFF_T_FMT " bytes",
                         gate->most);
    gate->is_beyond = gate->room >= 0 && seen > gate->room;
    if (gate->is_beyond)
        return stg_raise(sink->pool, STG_E_TOO_LARGE,
                         "the body is longer than what is missing");
    gate->seen = seen;
    return stg_sink_write(gate->next, bytes, count);
}

static stg_error_t *gate_close(stg_sink_t *sink)
{
    return stg_sink_close(((gate_t *)sink)->next);
}

static const stg_sink_class_t gate_class = {gate_write, gate_close};

stg_error_t *stg_intake_store(stg_store_t **store, const stg_request_t *req,
                              const char *name)
{
    stg_store_t *chosen = stg_stores_find(&req->staging->stores, name);

    if (!chosen)
        return stg_because(stg_raise(req->pool, STG_E_STORE_DOWN,
                                     "the store of the upload is not there"),
                           req->pool, "no StagingStore is named %s", name);
    STG_TRY(stg_store_admit(chosen, req->pool));
    *store = chosen->driver->stoppable(
        chosen, stg_drain_last_flag(req->process->handover), req->pool);
    return STG_OK;
}

/* It was complete when we came, or became so while we waited: nobody appends
 * to it any more. */
static stg_error_t *look_again(stg_resumable_t *resumable,
                               const stg_request_t *req)
{
    stg_resumable_t *found;

    STG_TRY(stg_resumable_find(&found, req->staging->db, resumable->id,
                               req->policy->service, req->principal->owner,
                               req->pool));
    if (found->state == STG_RESUMABLE_OPEN)
        return stg_raise(req->pool, STG_E_BUSY,
                         "the upload cannot be had just now");
    *resumable = *found;
    return STG_OK;
}

stg_error_t *stg_intake_take(stg_intake_t *intake, stg_request_t *req,
                             stg_resumable_t *resumable)
{
    stg_error_t *err;

    intake->req = req;
    intake->resumable = resumable;
    resumable->quota = (stg_quota_t){.db = req->staging->db,
                                     .service = req->policy->service,
                                     .owner = req->principal->owner,
                                     .limit = req->policy->quota};
    err = stg_resumable_take(&intake->part, resumable, req->staging, req->pool);
    return err && err->code == STG_E_GONE ? look_again(resumable, req) : err;
}

/* What has a size has its room already; the others share what is left. */
static int is_reserved(const stg_intake_t *intake)
{
    return !intake->resumable->quota.limit || intake->resumable->size >= 0;
}

static stg_error_t *look_for_room(apr_off_t *room, const stg_intake_t *intake)
{
    stg_quota_t *quota = &intake->resumable->quota;

    if (is_reserved(intake))
        return STG_OK;
    quota->more = stg_body_length(intake->req);
    return stg_quota_look(room, quota, intake->req->pool);
}

/* gate -> quota -> checksum of the body -> the upload */
static stg_error_t *open_pipe(gate_t *gate, stg_checksum_t **checksum,
                              const stg_intake_t *intake,
                              const stg_transfer_plan_t *plan, apr_off_t room)
{
    const stg_resumable_t *resumable = intake->resumable;
    apr_pool_t *p = intake->req->pool;
    stg_sink_t *next;

    STG_TRY(stg_part_upload_open(&next, intake->part, plan));
    if (intake->check) {
        *checksum = stg_checksum_create(next, intake->announced, p);
        next = stg_checksum_sink(*checksum);
    }
    if (!is_reserved(intake))
        next = stg_quota_sink(next, &resumable->quota, room, p);
    *gate = (gate_t){
        .sink = {&gate_class, p},
        .next = next,
        .room = resumable->size < 0 ? -1 : resumable->size - resumable->offset,
        .most = intake->req->policy->max_append};
    return STG_OK;
}

static stg_error_t *compare(const stg_intake_t *intake,
                            stg_checksum_t *checksum)
{
    stg_checksums_t computed;

    if (!intake->check)
        return STG_OK;
    STG_TRY(stg_checksum_finish(&computed, checksum, intake->req->pool));
    return intake->check(intake->context, &computed);
}

/* Has all come that there is to be? */
static int is_whole(const stg_intake_t *intake, apr_off_t total)
{
    apr_off_t size = intake->resumable->size;

    if (intake->is_last)
        return size < 0 || total == size;
    return intake->is_strict ? 0 : total == size;
}

/* The body has come to its end. */
static stg_error_t *finish_clean(stg_intake_t *intake, gate_t *gate,
                                 stg_checksum_t *checksum,
                                 const stg_transfer_plan_t *plan)
{
    stg_request_t *req = intake->req;
    stg_resumable_t *resumable = intake->resumable;
    apr_off_t total = resumable->offset + gate->seen;
    stg_error_t *err;

    STG_CRASH_POINT("intake-received");
    STG_TRY(compare(intake, checksum));
    if (gate->next)
        STG_TRY(stg_sink_close(&gate->sink));
    if (!is_whole(intake, total)) {
        if (gate->seen)
            STG_TRY(stg_part_upload_commit(intake->part));
        intake->is_short = intake->is_last;
        return intake->is_short
                   ? stg_raise(req->pool, STG_E_INVALID,
                               "the upload is to have %" APR_OFF_T_FMT
                               " bytes, and only %" APR_OFF_T_FMT " have come",
                               resumable->size, total)
                   : STG_OK;
    }
    err = stg_resumable_complete(resumable, req->staging, intake->part, plan,
                                 NULL, req->pool);
    intake->is_failed = stg_resumable_is_lost(err);
    return err;
}

static int is_cut(const stg_error_t *err)
{
    return err->code == STG_E_BODY_INCOMPLETE || err->code == STG_E_TIMEOUT ||
           err->code == STG_E_ENDING || err->code == STG_E_TAKEN;
}

/* The body did not come to its end, or was refused: keep what may be kept. */
static stg_error_t *finish_cut(stg_intake_t *intake, const gate_t *gate,
                               stg_error_t *err)
{
    intake->is_beyond = gate->is_beyond;
    if (is_cut(err) && !intake->check)
        STG_TRY(stg_part_upload_commit(intake->part));
    else
        stg_part_upload_drop(intake->part);
    if (intake->is_beyond && intake->is_strict) {
        STG_TRY(stg_resumable_fail(intake->resumable, intake->req->staging,
                                   intake->part, err->message,
                                   intake->req->pool));
        intake->is_failed = 1;
    }
    return err;
}

static stg_error_t *receive(stg_intake_t *intake,
                            const stg_transfer_plan_t *plan)
{
    gate_t gate = {.seen = 0};
    stg_checksum_t *checksum = NULL;
    apr_off_t room = 0;
    stg_error_t *err;

    if (stg_dialect_has_body(intake->req) || intake->check) {
        STG_TRY(look_for_room(&room, intake));
        STG_TRY(stg_in_flight_enter(
            intake->req->process->settings->max_in_flight, intake->req->pool));
        STG_TRY(open_pipe(&gate, &checksum, intake, plan, room));
        err = stg_body_pump_held(intake->req, &gate.sink,
                                 intake->req->staging->transfers,
                                 stg_part_upload_transfer(intake->part));
        if (err)
            return finish_cut(intake, &gate, err);
    }
    err = finish_clean(intake, &gate, checksum, plan);
    if (err && !intake->is_short && !intake->is_failed)
        stg_part_upload_drop(intake->part);
    return err;
}

stg_error_t *stg_intake_receive(stg_intake_t *intake)
{
    const stg_request_t *req = intake->req;
    stg_transfer_plan_t plan = {.max_size = req->policy->max_upload,
                                .algorithms = intake->resumable->algorithms,
                                .is_held_back = intake->check != NULL,
                                .on_progress = intake->on_progress,
                                .context = intake->context};
    stg_error_t *err;

    STG_TRY(stg_intake_store(&plan.store, req, intake->resumable->store));
    err = receive(intake, &plan);
    if (intake->resumable->state == STG_RESUMABLE_OPEN)
        stg_resumable_refresh(intake->resumable, intake->part);
    stg_part_upload_release(intake->part);
    return err;
}
