/* SPDX-License-Identifier: Apache-2.0 */
#include "uploads/upload.h"

#include "base/crash.h"
#include "base/ids.h"
#include "base/text.h"
#include "core/worker.h"

#include <apr_strings.h>

#include <string.h>

/* The beginning of a file name, as long as a label may be. */
static const char *shorten(const char *name, apr_pool_t *p)
{
    int characters = 0;

    for (const char *c = name; *c; c++) {
        int is_first = (*c & 0xc0) != 0x80;

        if (is_first && characters++ == STG_UPLOAD_LABEL_MAX)
            return apr_pstrndup(p, name, (apr_size_t)(c - name));
    }
    return name;
}

stg_error_t *stg_upload_label(const char **label, const char *given,
                              const char *fallback, apr_pool_t *p)
{
    apr_size_t characters;

    if (!given || !*given) {
        *label = shorten(fallback, p);
        return STG_OK;
    }
    if (!stg_utf8_is_valid(given, strlen(given), &characters))
        return stg_raise(p, STG_E_INVALID, "the label is not UTF-8 text");
    if (characters > STG_UPLOAD_LABEL_MAX)
        return stg_raise(p, STG_E_INVALID,
                         "the label has %" APR_SIZE_T_FMT
                         " characters, at most %d are possible",
                         characters, STG_UPLOAD_LABEL_MAX);
    *label = given;
    return STG_OK;
}

void stg_upload_read(stg_upload_t *upload, const stg_rows_t *rows, int row)
{
    const char *size = stg_rows_text(rows, row, "size");
    const char *declared = stg_rows_text(rows, row, "declared");
    const char *offset = stg_rows_text(rows, row, "acknowledged");
    int is_whole;

    upload->id = stg_rows_text(rows, row, "id");
    upload->label = stg_rows_text(rows, row, "label");
    upload->status = stg_rows_text(rows, row, "status");
    upload->filename = stg_rows_text(rows, row, "filename");
    upload->content_type = stg_rows_text(rows, row, "content_type");
    upload->message = stg_rows_text(rows, row, "message");
    upload->created = stg_rows_time(rows, row, "created");
    upload->expires = stg_rows_time(rows, row, "expires");
    upload->object = stg_rows_text(rows, row, "object");
    upload->store = stg_rows_text(rows, row, "store");
    /* digests only after success (spec/edi.md, A4) */
    is_whole = !strcmp(upload->status, "success");
    upload->size = is_whole && size ? stg_rows_int(rows, row, "size")
                   : declared       ? stg_rows_int(rows, row, "declared")
                                    : -1;
    upload->offset = offset ? stg_rows_int(rows, row, "acknowledged") : -1;
    for (int i = 0; i < STG_ALGORITHMS; i++)
        upload->digests.hex[i] =
            is_whole ? stg_rows_text(rows, row, stg_algorithm_name(i)) : NULL;
}

stg_error_t *stg_upload_find(stg_upload_t **upload, stg_db_t *db,
                             const char *id, const char *service,
                             const char *owner, apr_pool_t *p)
{
    stg_rows_t *rows;

    STG_TRY(stg_db_query(&rows, db, STG_Q_UPLOAD_FIND, p,
                         STG_PARAMS(id, service, owner)));
    if (!stg_rows_count(rows))
        return stg_raise(p, STG_E_NOT_FOUND, "there is no upload %s", id);
    *upload = apr_pcalloc(p, sizeof(**upload));
    stg_upload_read(*upload, rows, 0);
    return STG_OK;
}

stg_error_t *stg_upload_delete(stg_staging_t *staging, const char *id,
                               const char *service, const char *owner,
                               apr_pool_t *p)
{
    stg_rows_t *rows;

    STG_CRASH_POINT("upload-delete");
    STG_TRY(stg_db_query(&rows, staging->db, STG_Q_UPLOAD_DELETE, p,
                         STG_PARAMS(id, service, owner)));
    STG_CRASH_POINT("upload-deleted");
    if (!stg_rows_count(rows))
        return stg_raise(p, STG_E_NOT_FOUND, "there is no upload %s", id);
    stg_worker_wake(staging->worker);
    return STG_OK;
}

stg_error_t *stg_upload_delete_all(stg_upload_batch_t *batch,
                                   stg_staging_t *staging, apr_pool_t *p)
{
    const char *ids = stg_db_array((const char *const *)batch->ids->elts,
                                   batch->ids->nelts, p);
    stg_rows_t *rows;

    STG_CRASH_POINT("uploads-delete");
    STG_TRY(stg_db_query(&rows, staging->db, STG_Q_UPLOAD_DELETE_ALL, p,
                         STG_PARAMS(ids, batch->service, batch->owner)));
    STG_CRASH_POINT("uploads-deleted");
    batch->deleted = apr_hash_make(p);
    for (int i = 0; i < stg_rows_count(rows); i++)
        apr_hash_set(batch->deleted, stg_rows_text(rows, i, "id"),
                     APR_HASH_KEY_STRING, batch);
    if (stg_rows_count(rows))
        stg_worker_wake(staging->worker);
    return STG_OK;
}

stg_error_t *stg_upload_run_finish(stg_staging_t *staging, const stg_job_t *job,
                                   apr_pool_t *p)
{
    stg_error_t *err = stg_object_finish_parts(staging, job->subject, p);

    /* deleted by its owner meanwhile: the job is done */
    if (err && err->code == STG_E_NOT_FOUND)
        return stg_upload_give_up_finish(staging, job, err, p);
    if (err)
        return err;
    STG_CRASH_POINT("upload-finish");
    STG_TRY(stg_db_query(
        NULL, staging->db, STG_Q_UPLOAD_FINISHED, p,
        STG_PARAMS(job->subject, apr_psprintf(p, "%" APR_INT64_T_FMT, job->id),
                   apr_psprintf(p, "%" APR_INT64_T_FMT, job->fence))));
    STG_CRASH_POINT("upload-finished");
    return STG_OK;
}

stg_error_t *stg_upload_give_up_finish(stg_staging_t *staging,
                                       const stg_job_t *job,
                                       const stg_error_t *why, apr_pool_t *p)
{
    STG_CRASH_POINT("upload-give-up");
    STG_TRY(stg_db_query(
        NULL, staging->db, STG_Q_UPLOAD_UNFINISHABLE, p,
        STG_PARAMS(job->subject, apr_psprintf(p, "%" APR_INT64_T_FMT, job->id),
                   apr_psprintf(p, "%" APR_INT64_T_FMT, job->fence),
                   why->message)));
    STG_CRASH_POINT("upload-given-up");
    return STG_OK;
}

stg_error_t *stg_upload_gc_expired(int *done, stg_staging_t *staging,
                                   apr_pool_t *p)
{
    stg_rows_t *rows;

    STG_CRASH_POINT("uploads-expire");
    STG_TRY(stg_db_query(&rows, staging->db, STG_Q_UPLOAD_EXPIRE, p,
                         STG_PARAMS(apr_itoa(p, STG_GC_BATCH))));
    STG_CRASH_POINT("uploads-expired");
    *done = (int)stg_rows_int(rows, 0, "done");
    return STG_OK;
}

stg_error_t *stg_upload_gc_abandoned(int *done, stg_staging_t *staging,
                                     apr_pool_t *p)
{
    stg_rows_t *rows;

    STG_CRASH_POINT("uploads-abandon");
    STG_TRY(stg_db_query(&rows, staging->db, STG_Q_UPLOAD_ABANDON, p,
                         STG_PARAMS(apr_itoa(p, STG_GC_BATCH),
                                    "the upload did not arrive whole: send "
                                    "it again")));
    STG_CRASH_POINT("uploads-abandoned");
    *done = (int)stg_rows_int(rows, 0, "done");
    return STG_OK;
}
