/* SPDX-License-Identifier: Apache-2.0 */
#include "resumable/resumable.h"

#include "base/crash.h"
#include "base/ids.h"
#include "base/metrics.h"
#include "core/worker.h"

#include <apr_strings.h>

#include <string.h>

static const char *names_of(stg_algorithm_set_t set, apr_pool_t *p)
{
    const char *names = "";

    for (int i = 0; i < STG_ALGORITHMS; i++)
        if (set & (1u << i))
            names = apr_pstrcat(p, names, *names ? " " : "",
                                stg_algorithm_name(i), NULL);
    return names;
}

stg_algorithm_set_t stg_resumable_algorithms(const char *names, apr_pool_t *p)
{
    stg_algorithm_set_t set = 0;
    char *state;

    for (char *name = apr_strtok(apr_pstrdup(p, names), " ", &state); name;
         name = apr_strtok(NULL, " ", &state))
        set |= 1u << stg_algorithm_find(name);
    return set;
}

static stg_error_t *find_by_key(stg_resumable_t **resumable, stg_db_t *db,
                                const stg_resumable_spec_t *spec, apr_pool_t *p)
{
    stg_rows_t *rows;

    if (!spec->idempotency_key)
        return stg_raise(p, STG_E_NOT_FOUND, "a partial upload is gone");
    STG_TRY(stg_db_query(
        &rows, db, STG_Q_RESUMABLE_FIND_KEY, p,
        STG_PARAMS(spec->service, spec->owner, spec->idempotency_key)));
    if (!stg_rows_count(rows))
        return stg_raise(p, STG_E_GONE, "the upload of this key is gone");
    STG_TRY(stg_resumable_find(resumable, db, stg_rows_text(rows, 0, "id"),
                               spec->service, spec->owner, p));
    if ((spec->size >= 0 && (*resumable)->size != spec->size) ||
        strcmp((*resumable)->concat, spec->concat) != 0)
        return stg_raise(p, STG_E_CONFLICT,
                         "this Idempotency-Key is that of another upload");
    return STG_OK;
}

/* No row: there is one already, or it lacks a partial. */
static stg_error_t *insert(stg_rows_t **rows, const char *id,
                           stg_staging_t *staging,
                           const stg_resumable_spec_t *spec, apr_pool_t *p)
{
    const stg_quota_t quota = {.db = staging->db,
                               .service = spec->service,
                               .owner = spec->owner,
                               .limit = spec->quota,
                               .more = spec->size};
    const char *partials =
        spec->partials ? stg_db_array(spec->partials, spec->partial_count, p)
                       : NULL;
    /* who gives no name gets one that is not empty */
    const char *filename =
        spec->filename && *spec->filename ? spec->filename : id;

    return stg_quota_query(
        rows, &quota, STG_Q_RESUMABLE_CREATE, p,
        STG_PARAMS(
            id, stg_uuid_create(p), spec->store->name, spec->service,
            spec->owner, spec->created_in, spec->concat, spec->concat_text,
            partials, spec->metadata, spec->label ? spec->label : filename,
            filename, spec->content_type, spec->repr_digest,
            names_of(spec->algorithms, p), spec->idempotency_key,
            spec->size < 0 ? NULL : apr_off_t_toa(p, spec->size),
            apr_off_t_toa(p, stg_part_upload_part_size(spec->store, spec->size,
                                                       spec->max_size)),
            apr_off_t_toa(p, spec->idle), apr_off_t_toa(p, spec->lifetime),
            apr_off_t_toa(p, spec->retention)));
}

stg_error_t *stg_resumable_create(stg_resumable_t **resumable,
                                  stg_staging_t *staging,
                                  const stg_resumable_spec_t *spec,
                                  apr_pool_t *p)
{
    const char *id = stg_uuid_create(p);
    stg_rows_t *rows;
    stg_error_t *err;

    STG_CRASH_POINT("resumable-create");
    err = insert(&rows, id, staging, spec, p);
    STG_CRASH_POINT("resumable-created");
    /* what was created before has its room already */
    if (err && err->code == STG_E_QUOTA && spec->idempotency_key &&
        !find_by_key(resumable, staging->db, spec, p))
        return STG_OK;
    STG_TRY(err);
    if (!stg_rows_count(rows))
        return find_by_key(resumable, staging->db, spec, p);
    STG_TRY(stg_resumable_find(resumable, staging->db, id, spec->service,
                               spec->owner, p));
    (*resumable)->is_new = 1;
    return STG_OK;
}

static stg_error_t *gone(const stg_rows_t *rows, apr_pool_t *p)
{
    const char *why = stg_rows_text(rows, 0, "failed_why");

    return stg_raise(p, STG_E_GONE, "this upload %s",
                     why ? apr_pstrcat(p, "has failed: ", why, NULL)
                         : "is there no more");
}

static int is_text(const stg_rows_t *rows, const char *column, const char *text)
{
    const char *value = stg_rows_text(rows, 0, column);

    return value && !strcmp(value, text);
}

/* What the two rows say together. Gone: also where the other APIs have ended
 * the upload, or its time is over and GC has not come by yet. */
static int read_state(stg_resumable_state_t *state, const stg_rows_t *rows)
{
    if (is_text(rows, "state", "open")) {
        *state = STG_RESUMABLE_OPEN;
        return is_text(rows, "object_state", "gathering") &&
               (is_text(rows, "concat", "final") ||
                !stg_rows_int(rows, 0, "is_expired"));
    }
    *state = is_text(rows, "object_state", "finishing")
                 ? STG_RESUMABLE_FINISHING
                 : STG_RESUMABLE_COMPLETE;
    return is_text(rows, "state", "complete") &&
           (is_text(rows, "object_state", "finishing") ||
            is_text(rows, "object_state", "stored"));
}

static void read_row(stg_resumable_t *resumable, const stg_rows_t *rows,
                     apr_pool_t *p)
{
    resumable->id = stg_rows_text(rows, 0, "id");
    resumable->object = stg_rows_text(rows, 0, "object");
    resumable->store = stg_rows_text(rows, 0, "store");
    resumable->created_in = stg_rows_text(rows, 0, "created_in");
    resumable->concat = stg_rows_text(rows, 0, "concat");
    resumable->concat_text = stg_rows_text(rows, 0, "concat_text");
    resumable->metadata = stg_rows_text(rows, 0, "metadata");
    resumable->filename = stg_rows_text(rows, 0, "filename");
    resumable->content_type = stg_rows_text(rows, 0, "content_type");
    resumable->repr_digest = stg_rows_text(rows, 0, "repr_digest");
    resumable->algorithms =
        stg_resumable_algorithms(stg_rows_text(rows, 0, "algorithms"), p);
    if (resumable->state != STG_RESUMABLE_OPEN) {
        resumable->size = stg_rows_int(rows, 0, "whole");
        resumable->offset = resumable->size;
        for (int i = 0; i < STG_ALGORITHMS; i++)
            resumable->digests.hex[i] =
                stg_rows_text(rows, 0, stg_algorithm_name(i));
        return;
    }
    resumable->size =
        stg_rows_text(rows, 0, "size") ? stg_rows_int(rows, 0, "size") : -1;
    resumable->offset = stg_rows_int(rows, 0, "acknowledged");
    resumable->is_held = (int)stg_rows_int(rows, 0, "is_held");
    resumable->expires = stg_rows_time(rows, 0, "expires");
    resumable->age = stg_rows_int(rows, 0, "seconds_left");
}

stg_error_t *stg_resumable_find(stg_resumable_t **resumable, stg_db_t *db,
                                const char *id, const char *service,
                                const char *owner, apr_pool_t *p)
{
    stg_resumable_t *found = apr_pcalloc(p, sizeof(*found));
    stg_rows_t *rows;

    STG_TRY(stg_db_query(&rows, db, STG_Q_RESUMABLE_FIND, p,
                         STG_PARAMS(id, service, owner)));
    if (!stg_rows_count(rows))
        return stg_raise(p, STG_E_NOT_FOUND, "there is no such upload");
    if (!read_state(&found->state, rows))
        return gone(rows, p);
    read_row(found, rows, p);
    *resumable = found;
    return STG_OK;
}

void stg_resumable_refresh(stg_resumable_t *resumable,
                           const stg_part_upload_t *part)
{
    apr_time_t expires = stg_part_upload_expires(part);

    resumable->offset = stg_part_upload_offset(part);
    resumable->size = stg_part_upload_size(part);
    /* both by the clock of the database */
    resumable->age += apr_time_sec(expires - resumable->expires);
    resumable->expires = expires;
    resumable->is_held = 1;
}

stg_error_t *stg_resumable_take(stg_part_upload_t **part,
                                stg_resumable_t *resumable,
                                stg_staging_t *staging, apr_pool_t *p)
{
    stg_error_t *err =
        stg_part_upload_take(part, staging, resumable->object, p);

    if (err && err->code == STG_E_NOT_FOUND)
        return stg_because(
            stg_raise(p, STG_E_GONE, "this upload is there no more"), p, "%s",
            stg_error_text(err, p));
    STG_TRY(err);
    stg_resumable_refresh(resumable, *part);
    return STG_OK;
}

stg_error_t *stg_resumable_declare(stg_resumable_t *resumable,
                                   stg_part_upload_t *part, apr_off_t size)
{
    STG_TRY(stg_part_upload_declare(part, size, &resumable->quota));
    resumable->size = size;
    return STG_OK;
}

stg_error_t *stg_resumable_fail(const stg_resumable_t *resumable,
                                stg_staging_t *staging, stg_part_upload_t *part,
                                const char *why, apr_pool_t *p)
{
    STG_CRASH_POINT("resumable-fail");
    STG_TRY(stg_db_query(
        NULL, staging->db, STG_Q_RESUMABLE_FAIL, p,
        STG_PARAMS(resumable->object, stg_part_upload_fence(part), why)));
    STG_CRASH_POINT("resumable-failed");
    stg_part_upload_release(part);
    stg_metric_add_to(STG_METRIC_UPLOADS, "failure", NULL, 1);
    stg_worker_wake(staging->worker);
    return STG_OK;
}

/* What was announced at the creation of the whole. */
static stg_error_t *check_whole(stg_resumable_t *resumable,
                                const stg_part_upload_t *part, apr_pool_t *p)
{
    stg_digests_t announced = {{NULL}};
    stg_algorithm_t differs;

    for (int i = 0; i < STG_ALGORITHMS; i++)
        resumable->digests.hex[i] = stg_part_upload_digest(part, i);
    if (!resumable->repr_digest)
        return STG_OK;
    STG_TRY(stg_digest_field_parse(&announced, resumable->repr_digest, p));
    differs = stg_digests_compare(&announced, &resumable->digests);
    if (differs == STG_ALGORITHMS)
        return STG_OK;
    return stg_raise(p, STG_E_DIGEST_MISMATCH,
                     "the %s of the whole is not what was announced",
                     stg_algorithm_name(differs));
}

static const char *number(apr_int64_t value, apr_pool_t *p)
{
    return apr_psprintf(p, "%" APR_INT64_T_FMT, value);
}

/* The bytes are in the store: say so in all rows at once. */
static stg_error_t *tell(stg_resumable_t *resumable, stg_staging_t *staging,
                         const stg_part_upload_t *part, const stg_job_t *job,
                         apr_pool_t *p)
{
    const char *whole = stg_part_upload_whole(part);
    stg_quota_t quota = resumable->quota;
    stg_rows_t *rows;

    quota.db = staging->db;
    quota.more = stg_part_upload_total(part) - stg_part_upload_offset(part);
    /* what has a size has its room already */
    if (stg_part_upload_size(part) >= 0)
        quota.limit = 0;

    STG_CRASH_POINT("resumable-complete");
    STG_TRY(stg_quota_query(
        &rows, &quota, STG_Q_RESUMABLE_COMPLETE, p,
        STG_PARAMS(
            resumable->object, stg_part_upload_fence(part),
            apr_off_t_toa(p, stg_part_upload_total(part)),
            resumable->digests.hex[STG_MD5], resumable->digests.hex[STG_SHA1],
            resumable->digests.hex[STG_SHA256],
            resumable->digests.hex[STG_SHA512], stg_part_upload_etag(part),
            whole, job ? number(job->id, p) : NULL,
            job ? number(job->fence, p) : NULL)));
    STG_CRASH_POINT("resumable-completed");
    if (!stg_rows_count(rows))
        return stg_raise(p, STG_E_TAKEN,
                         "the upload was taken over or deleted meanwhile");
    resumable->state = whole ? STG_RESUMABLE_COMPLETE : STG_RESUMABLE_FINISHING;
    resumable->size = stg_part_upload_total(part);
    resumable->offset = resumable->size;
    resumable->expires = 0;
    return STG_OK;
}

int stg_resumable_is_lost(const stg_error_t *err)
{
    return err &&
           (err->code == STG_E_DIGEST_MISMATCH || err->code == STG_E_QUOTA);
}

stg_error_t *stg_resumable_complete(stg_resumable_t *resumable,
                                    stg_staging_t *staging,
                                    stg_part_upload_t *part,
                                    const stg_transfer_plan_t *plan,
                                    const stg_job_t *job, apr_pool_t *p)
{
    stg_error_t *err;

    STG_TRY(stg_part_upload_settle(part, plan));
    err = check_whole(resumable, part, p);
    if (!err) {
        STG_TRY(stg_part_upload_store(part));
        err = tell(resumable, staging, part, job, p);
    }
    if (stg_resumable_is_lost(err))
        STG_TRY(stg_resumable_fail(resumable, staging, part, err->message, p));
    STG_TRY(err);
    stg_part_upload_ended(part);
    if (resumable->state == STG_RESUMABLE_FINISHING)
        stg_worker_wake(staging->worker);
    stg_metric_add_to(STG_METRIC_UPLOADS,
                      resumable->state == STG_RESUMABLE_COMPLETE ? "success"
                                                                 : "pending",
                      NULL, 1);
    stg_metric_add(STG_METRIC_UPLOAD_BYTES, resumable->size);
    return STG_OK;
}

stg_error_t *stg_resumable_withdraw(const stg_resumable_t *resumable,
                                    stg_staging_t *staging,
                                    const stg_part_upload_t *part,
                                    apr_pool_t *p)
{
    STG_TRY(stg_db_query(
        NULL, staging->db, STG_Q_RESUMABLE_WITHDRAW, p,
        STG_PARAMS(resumable->object, stg_part_upload_fence(part))));
    stg_worker_wake(staging->worker);
    return STG_OK;
}

stg_error_t *stg_resumable_delete(stg_staging_t *staging, const char *id,
                                  const char *service, const char *owner,
                                  apr_pool_t *p)
{
    stg_resumable_t *found;
    stg_rows_t *rows;

    STG_CRASH_POINT("resumable-delete");
    STG_TRY(stg_db_query(&rows, staging->db, STG_Q_RESUMABLE_DELETE, p,
                         STG_PARAMS(id, service, owner)));
    STG_CRASH_POINT("resumable-deleted");
    if (stg_rows_count(rows)) {
        stg_worker_wake(staging->worker);
        return STG_OK;
    }
    STG_TRY(stg_resumable_find(&found, staging->db, id, service, owner, p));
    return stg_raise(p, STG_E_CONFLICT,
                     "another upload is being made of this one");
}
