/* SPDX-License-Identifier: Apache-2.0 */
#include "resumable/concat.h"

#include "base/clock.h"
#include "base/crash.h"
#include "base/ids.h"
#include "core/worker.h"

#include <apr_strings.h>

#include <string.h>

enum { UUID_CHARS = 36, WAIT_SECONDS = 10, LOOK_MILLISECONDS = 50 };

/* --- what is asked for ---------------------------------------------------- */

/* What a path ends with, whatever is before it. NOT_FOUND. */
static stg_error_t *id_of(const char **id, const char *path, apr_pool_t *p)
{
    apr_size_t length = strlen(path);

    if (length < UUID_CHARS || !stg_uuid_is_valid(path + length - UUID_CHARS) ||
        (length > UUID_CHARS && path[length - UUID_CHARS - 1] != '/'))
        return stg_raise(p, STG_E_NOT_FOUND, "there is no partial upload %s",
                         path);
    *id = path + length - UUID_CHARS;
    return STG_OK;
}

static stg_error_t *read_ids(stg_resumable_spec_t *spec,
                             const apr_array_header_t *paths, apr_pool_t *p)
{
    const char **ids = apr_palloc(p, (apr_size_t)paths->nelts * sizeof(*ids));

    if (paths->nelts > STG_CONCAT_MAX_PARTIALS)
        return stg_raise(p, STG_E_INVALID, "at most %d partials make an upload",
                         STG_CONCAT_MAX_PARTIALS);
    for (int i = 0; i < paths->nelts; i++)
        STG_TRY(id_of(&ids[i], APR_ARRAY_IDX(paths, i, const char *), p));
    spec->partials = ids;
    spec->partial_count = paths->nelts;
    return STG_OK;
}

static int row_of(const stg_rows_t *rows, const char *id)
{
    for (int row = 0; row < stg_rows_count(rows); row++)
        if (!strcmp(stg_rows_text(rows, row, "id"), id))
            return row;
    return -1;
}

/* Is it a partial, and complete? Its size. */
static stg_error_t *check_partial(apr_off_t *size, const stg_rows_t *rows,
                                  const char *id, apr_pool_t *p)
{
    int row = row_of(rows, id);
    const char *state;

    if (row < 0)
        return stg_raise(p, STG_E_NOT_FOUND, "there is no partial upload %s",
                         id);
    if (strcmp(stg_rows_text(rows, row, "concat"), "partial"))
        return stg_raise(p, STG_E_INVALID, "upload %s is not a partial one",
                         id);
    state = stg_rows_text(rows, row, "state");
    if (!strcmp(state, "open"))
        return stg_raise(p, STG_E_NOT_READY, "partial upload %s is unfinished",
                         id);
    if (strcmp(state, "complete") || !stg_rows_text(rows, row, "size"))
        return stg_raise(p, STG_E_NOT_FOUND, "partial upload %s is gone", id);
    *size = stg_rows_int(rows, row, "size");
    return STG_OK;
}

stg_error_t *stg_concat_plan(stg_resumable_spec_t *spec, stg_db_t *db,
                             const stg_upload_concat_t *concat, apr_pool_t *p)
{
    stg_rows_t *rows;

    STG_TRY(read_ids(spec, concat->paths, p));
    STG_TRY(stg_db_query(
        &rows, db, STG_Q_RESUMABLE_PARTIALS, p,
        STG_PARAMS(stg_db_array(spec->partials, spec->partial_count, p),
                   spec->service, spec->owner)));
    spec->size = 0;
    /* nobody has to come back for it */
    spec->idle = spec->lifetime;
    for (int i = 0; i < spec->partial_count; i++) {
        apr_off_t size = 0;

        STG_TRY(check_partial(&size, rows, spec->partials[i], p));
        if (size > spec->max_size - spec->size)
            return stg_raise(p, STG_E_TOO_LARGE,
                             "together they are larger than the %" APR_OFF_T_FMT
                             " bytes that are accepted here",
                             spec->max_size);
        spec->size += size;
    }
    return STG_OK;
}

stg_error_t *stg_concat_wait(stg_resumable_t **resumable,
                             stg_staging_t *staging,
                             const stg_resumable_spec_t *spec, apr_pool_t *p)
{
    apr_time_t end = stg_clock_monotonic() + apr_time_from_sec(WAIT_SECONDS);

    stg_worker_wake(staging->worker);
    while ((*resumable)->state == STG_RESUMABLE_OPEN &&
           stg_clock_monotonic() < end) {
        const char *id = (*resumable)->id;
        stg_error_t *err;

        apr_sleep(apr_time_from_msec(LOOK_MILLISECONDS));
        err = stg_resumable_find(resumable, staging->db, id, spec->service,
                                 spec->owner, p);
        /* it is there, whatever becomes of it now */
        if (err)
            return STG_OK;
    }
    return STG_OK;
}

/* --- the job -------------------------------------------------------------- */

typedef struct final_t {
    stg_staging_t *staging;
    stg_resumable_t resumable;
    stg_part_upload_t *part;
    stg_transfer_plan_t plan;
} final_t;

static const char *number(apr_int64_t value, apr_pool_t *p)
{
    return apr_psprintf(p, "%" APR_INT64_T_FMT, value);
}

/* Push what is still missing of this partial, which lies in the final one
 * from first on. */
static stg_error_t *copy(stg_sink_t *sink, const final_t *final,
                         const stg_rows_t *rows, int row, apr_off_t first)
{
    apr_off_t size = stg_rows_int(rows, row, "size");
    apr_off_t skipped = final->resumable.offset - first;
    stg_store_t *store;
    stg_error_t *err;
    apr_pool_t *p;

    if (skipped < 0)
        skipped = 0;
    if (skipped >= size)
        return STG_OK;
    store = stg_stores_find(&final->staging->stores,
                            stg_rows_text(rows, row, "store"));
    if (!store)
        return stg_raise(sink->pool, STG_E_STORE_DOWN,
                         "the store of a partial is not there");
    apr_pool_create(&p, sink->pool);
    err = stg_error_copy(
        store->driver->read(
            store, stg_store_key(stg_rows_text(rows, row, "object"), p),
            skipped, size - skipped, sink, p),
        sink->pool);
    apr_pool_destroy(p);
    return err;
}

/* The parts of a partial may still be on their way to become one object. */
static stg_error_t *check_pieces(const stg_rows_t *rows, apr_pool_t *p)
{
    for (int row = 0; row < stg_rows_count(rows); row++) {
        const char *state = stg_rows_text(rows, row, "state");

        if (!state || (strcmp(state, "stored") && strcmp(state, "finishing")))
            return stg_raise(p, STG_E_NOT_FOUND, "a partial is gone");
        if (strcmp(state, "stored"))
            return stg_raise(p, STG_E_BUSY, "a partial is being finished");
    }
    return STG_OK;
}

static stg_error_t *copy_all(final_t *final, apr_pool_t *p)
{
    apr_off_t first = 0;
    stg_rows_t *rows;
    stg_sink_t *sink;

    STG_TRY(stg_db_query(&rows, final->staging->db,
                         STG_Q_RESUMABLE_CONCAT_PIECES, p,
                         STG_PARAMS(final->resumable.id)));
    STG_TRY(check_pieces(rows, p));
    STG_TRY(stg_part_upload_open(&sink, final->part, &final->plan));
    for (int row = 0; row < stg_rows_count(rows); row++) {
        STG_TRY(copy(sink, final, rows, row, first));
        first += stg_rows_int(rows, row, "size");
    }
    return stg_sink_close(sink);
}

static stg_error_t *make(final_t *final, const stg_job_t *job, apr_pool_t *p)
{
    stg_error_t *err = copy_all(final, p);

    if (!err)
        return stg_resumable_complete(&final->resumable, final->staging,
                                      final->part, &final->plan, job, p);
    /* the next attempt goes on from here */
    if (err->code == STG_E_ENDING || err->code == STG_E_STORE_DOWN)
        STG_TRY(stg_part_upload_commit(final->part));
    return err;
}

static stg_error_t *open_final(final_t *final, const stg_rows_t *rows,
                               const stg_job_t *job, apr_pool_t *p)
{
    stg_store_t *store = stg_stores_find(&final->staging->stores,
                                         stg_rows_text(rows, 0, "store"));
    stg_error_t *err;

    if (!store)
        return stg_raise(p, STG_E_STORE_DOWN,
                         "the store of the upload is not there");
    final->resumable.id = job->subject;
    final->resumable.object = stg_rows_text(rows, 0, "object");
    final->plan.store = store;
    final->plan.algorithms =
        stg_resumable_algorithms(stg_rows_text(rows, 0, "algorithms"), p);
    err =
        stg_resumable_take(&final->part, &final->resumable, final->staging, p);
    final->plan.max_size = final->resumable.size;
    return err;
}

stg_error_t *stg_concat_run(stg_staging_t *staging, const stg_job_t *job,
                            apr_pool_t *p)
{
    final_t final = {.staging = staging};
    stg_error_t *err;
    stg_rows_t *rows;

    STG_CRASH_POINT("concat-begin");
    STG_TRY(stg_db_query(&rows, staging->db, STG_Q_RESUMABLE_CONCAT_BEGIN, p,
                         STG_PARAMS(job->subject)));
    /* deleted by its owner, or complete, meanwhile: the job is done */
    if (!stg_rows_count(rows))
        return stg_db_query(
            NULL, staging->db, STG_Q_RESUMABLE_CONCAT_OVER, p,
            STG_PARAMS(number(job->id, p), number(job->fence, p)));
    STG_TRY(open_final(&final, rows, job, p));
    err = make(&final, job, p);
    stg_part_upload_release(final.part);
    /* by whoever deletes it, or by a job that believed us dead */
    if (err && err->code == STG_E_TAKEN)
        err->code = STG_E_BUSY;
    return err;
}

stg_error_t *stg_concat_give_up(stg_staging_t *staging, const stg_job_t *job,
                                const stg_error_t *why, apr_pool_t *p)
{
    STG_CRASH_POINT("concat-give-up");
    STG_TRY(stg_db_query(NULL, staging->db, STG_Q_RESUMABLE_CONCAT_FAILED, p,
                         STG_PARAMS(job->subject, number(job->id, p),
                                    number(job->fence, p), why->message)));
    STG_CRASH_POINT("concat-given-up");
    return STG_OK;
}
