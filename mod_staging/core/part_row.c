/* SPDX-License-Identifier: Apache-2.0 */
#include "core/part_row.h"

#include "base/crash.h"
#include "core/node.h"

#include <apr_strings.h>

#include <string.h>

/* So many part numbers are drawn with the part upload. */
enum { AHEAD = 8 };

/* A statement that changes nothing more when it is repeated: its answer may
 * have been lost with the connection only. */
static stg_error_t *query_again(stg_rows_t **rows,
                                const stg_part_upload_t *upload,
                                stg_query_t query, apr_pool_t *p,
                                const char *const *params, int count)
{
    stg_db_t *db = upload->staging->db;
    stg_error_t *err = stg_db_query(rows, db, query, p, params, count);

    if (err && err->is_unsure)
        err = stg_db_query(rows, db, query, p, params, count);
    return err;
}

/* A statement has found nothing to change. */
static stg_error_t *lost(const stg_part_upload_t *upload, apr_pool_t *p)
{
    stg_rows_t *rows;

    STG_TRY(stg_db_query(&rows, upload->staging->db, STG_Q_PART_UPLOAD_LOST, p,
                         STG_PARAMS(upload->object, upload->fence)));
    if (stg_rows_count(rows) && stg_rows_int(rows, 0, "is_taken"))
        return stg_raise(p, STG_E_TAKEN,
                         "a newer request has taken over this upload");
    return stg_raise(p, STG_E_NOT_FOUND,
                     "the upload was deleted or has expired");
}

static apr_off_t off_or(const stg_rows_t *row, const char *column,
                        apr_off_t fallback)
{
    return stg_rows_text(row, 0, column) ? stg_rows_int(row, 0, column)
                                         : fallback;
}

static void row_read(stg_part_upload_t *upload, const stg_rows_t *row)
{
    apr_pool_t *p = upload->pool;
    const char *tail = stg_rows_text(row, 0, "tail");

    upload->fence = apr_pstrdup(p, stg_rows_text(row, 0, "fence"));
    upload->is_fresh = !strcmp(upload->fence, "1");
    upload->size = off_or(row, "size", -1);
    upload->acknowledged = stg_rows_int(row, 0, "acknowledged");
    upload->part_size = stg_rows_int(row, 0, "part_size");
    upload->next_part = (int)stg_rows_int(row, 0, "next_part");
    upload->drawn = upload->next_part + AHEAD;
    upload->segment = (int)stg_rows_int(row, 0, "segment");
    upload->digests =
        apr_pstrdup(upload->digests_pool, stg_rows_text(row, 0, "digests"));
    upload->expires = stg_rows_time(row, 0, "expires");
    if (tail)
        apr_cpystrn(upload->tail.id, tail, sizeof(upload->tail.id));
}

stg_error_t *stg_part_row_take(int *is_taken, stg_part_upload_t *upload,
                               int is_forced, apr_pool_t *p)
{
    stg_rows_t *row;

    STG_CRASH_POINT("part-upload-take");
    STG_TRY(stg_db_query(&row, upload->staging->db, STG_Q_PART_UPLOAD_TAKE, p,
                         STG_PARAMS(upload->object, upload->node,
                                    is_forced ? "true" : "false",
                                    apr_itoa(p, AHEAD), upload->orphan)));
    STG_CRASH_POINT("part-upload-taken");
    *is_taken = stg_rows_count(row);
    if (*is_taken)
        row_read(upload, row);
    return STG_OK;
}

stg_error_t *stg_part_row_want(stg_part_hold_t *hold, stg_part_upload_t *upload,
                               apr_pool_t *p)
{
    stg_transfers_t *transfers = upload->staging->transfers;
    const char *holder;
    const char *fence;
    stg_rows_t *row;

    STG_TRY(stg_db_query(&row, upload->staging->db, STG_Q_PART_UPLOAD_WANT, p,
                         STG_PARAMS(upload->object)));
    if (!stg_rows_count(row))
        return stg_raise(p, STG_E_NOT_FOUND, "there is no such upload");
    holder = stg_rows_text(row, 0, "holder");
    *hold = holder ? STG_PART_HELD : STG_PART_FREE;
    fence = stg_rows_text(row, 0, "fence");
    if (!holder || strcmp(holder, upload->node) != 0 ||
        stg_transfers_want(transfers, upload->object, fence))
        return STG_OK;
    *hold = STG_PART_ORPHAN;
    upload->orphan = apr_pstrdup(upload->pool, fence);
    return STG_OK;
}

stg_error_t *stg_part_row_open(stg_part_upload_t *upload, apr_pool_t *p)
{
    stg_part_tail_t *tail = &upload->tail;
    const char *sha256;
    stg_rows_t *row;

    if (upload->is_fresh)
        return STG_OK;
    STG_TRY(query_again(&row, upload, STG_Q_PART_UPLOAD_OPEN, p,
                        STG_PARAMS(upload->object, upload->fence)));
    if (!stg_rows_count(row))
        return lost(upload, p);
    upload->parts_id =
        apr_pstrdup(upload->pool, stg_rows_text(row, 0, "parts_id"));
    if (!tail->id[0])
        return STG_OK;
    sha256 = stg_rows_text(row, 0, "tail_sha256");
    if (!sha256 || strcmp(stg_rows_text(row, 0, "tail_state"), "stored") != 0)
        return stg_because(
            stg_raise(p, STG_E_GONE, "the last bytes of the upload were lost"),
            p, "the tail %s is not stored", tail->id);
    tail->size = stg_rows_int(row, 0, "tail_size");
    apr_cpystrn(tail->sha256, sha256, sizeof(tail->sha256));
    return STG_OK;
}

stg_error_t *stg_part_row_declare(stg_part_upload_t *upload, apr_off_t size,
                                  const stg_quota_t *rest, apr_pool_t *p)
{
    const char *const params[] = {upload->object, upload->fence,
                                  apr_off_t_toa(p, size)};
    stg_rows_t *row;

    /* repeated under a quota it would be in its own way */
    STG_TRY(rest->limit ? stg_quota_query(&row, rest, STG_Q_PART_UPLOAD_DECLARE,
                                          p, params, 3)
                        : query_again(&row, upload, STG_Q_PART_UPLOAD_DECLARE,
                                      p, params, 3));
    return stg_rows_count(row) ? STG_OK : lost(upload, p);
}

stg_error_t *stg_part_row_begun(stg_part_upload_t *upload, const char *parts_id,
                                apr_pool_t *p)
{
    stg_rows_t *row;

    STG_TRY(query_again(&row, upload, STG_Q_PART_UPLOAD_BEGUN, p,
                        STG_PARAMS(upload->object, upload->fence, parts_id)));
    STG_CRASH_POINT("part-upload-begun");
    if (!stg_rows_count(row))
        return lost(upload, p);
    upload->parts_id = apr_pstrdup(upload->pool, parts_id);
    return STG_OK;
}

stg_error_t *stg_part_row_draw(stg_part_upload_t *upload, int ahead,
                               apr_pool_t *p)
{
    int drawn = upload->next_part + ahead;
    stg_rows_t *row;

    if (upload->next_part < upload->drawn)
        return STG_OK;
    STG_TRY(query_again(
        &row, upload, STG_Q_PART_UPLOAD_DRAW, p,
        STG_PARAMS(upload->object, upload->fence, apr_itoa(p, drawn))));
    if (!stg_rows_count(row))
        return lost(upload, p);
    upload->drawn = drawn;
    return STG_OK;
}

stg_error_t *stg_part_row_tail(stg_part_upload_t *upload, const char *tail,
                               const char *store, apr_pool_t *p)
{
    stg_rows_t *row;

    STG_TRY(stg_node_named(
        upload->staging->node, tail,
        stg_db_query(&row, upload->staging->db, STG_Q_PART_UPLOAD_TAIL, p,
                     STG_PARAMS(upload->object, upload->fence, tail, store,
                                upload->node))));
    STG_CRASH_POINT("part-upload-tail");
    return stg_rows_count(row) ? STG_OK : lost(upload, p);
}

/* Columns of the table part. */
typedef struct columns_t {
    const char *numbers;
    const char *segments;
    const char *firsts;
    const char *sizes;
    const char *etags;
} columns_t;

static columns_t columns_of(const stg_part_record_t *parts, int count,
                            apr_pool_t *p)
{
    const char **texts[5];

    for (int i = 0; i < 5; i++)
        texts[i] = apr_palloc(p, sizeof(char *) * (apr_size_t)(count + 1));
    for (int i = 0; i < count; i++) {
        texts[0][i] = apr_itoa(p, parts[i].number);
        texts[1][i] = apr_itoa(p, parts[i].segment);
        texts[2][i] = apr_off_t_toa(p, parts[i].first);
        texts[3][i] = apr_off_t_toa(p, parts[i].size);
        texts[4][i] = parts[i].etag;
    }
    return (columns_t){.numbers = stg_db_array(texts[0], count, p),
                       .segments = stg_db_array(texts[1], count, p),
                       .firsts = stg_db_array(texts[2], count, p),
                       .sizes = stg_db_array(texts[3], count, p),
                       .etags = stg_db_array(texts[4], count, p)};
}

stg_error_t *stg_part_row_commit(stg_part_upload_t *upload,
                                 const stg_part_promise_t *promise,
                                 apr_pool_t *p)
{
    const stg_part_tail_t *tail = &promise->tail;
    columns_t parts = columns_of(promise->parts, promise->count, p);
    stg_rows_t *row;

    STG_CRASH_POINT("part-upload-commit");
    STG_TRY(query_again(&row, upload, STG_Q_PART_UPLOAD_COMMIT, p,
                        STG_PARAMS(upload->object, upload->fence,
                                   apr_off_t_toa(p, promise->offset),
                                   apr_itoa(p, upload->drawn), promise->digests,
                                   tail->id[0] ? tail->id : NULL,
                                   apr_off_t_toa(p, tail->size), tail->sha256,
                                   parts.numbers, parts.segments, parts.firsts,
                                   parts.sizes, parts.etags)));
    STG_CRASH_POINT("part-upload-committed");
    if (!stg_rows_count(row))
        return lost(upload, p);
    upload->acknowledged = promise->offset;
    upload->tail = promise->tail;
    upload->expires = stg_rows_time(row, 0, "expires");
    apr_pool_clear(upload->digests_pool);
    upload->digests = apr_pstrdup(upload->digests_pool, promise->digests);
    upload->is_fresh = 0;
    return STG_OK;
}

stg_error_t *stg_part_row_complete(stg_part_upload_t *upload,
                                   const stg_part_record_t *parts, int count,
                                   apr_pool_t *p)
{
    columns_t columns = columns_of(parts, count, p);
    stg_rows_t *row;

    if (!count)
        return STG_OK;
    STG_CRASH_POINT("part-upload-complete");
    STG_TRY(query_again(&row, upload, STG_Q_PART_UPLOAD_COMPLETE, p,
                        STG_PARAMS(upload->object, upload->fence,
                                   apr_itoa(p, upload->drawn), columns.numbers,
                                   columns.segments, columns.firsts,
                                   columns.sizes, columns.etags)));
    STG_CRASH_POINT("part-upload-completed");
    return stg_rows_count(row) ? STG_OK : lost(upload, p);
}

/* Numbers that were not used are given back, unless the store may still be at
 * work on a part: then it must not meet those who come next. */
stg_error_t *stg_part_row_release(stg_part_upload_t *upload, apr_pool_t *p)
{
    int has_failed = __atomic_load_n(&upload->has_failed, __ATOMIC_RELAXED);

    STG_CRASH_POINT("part-upload-release");
    return stg_db_query(
        NULL, upload->staging->db, STG_Q_PART_UPLOAD_RELEASE, p,
        STG_PARAMS(upload->object, upload->fence,
                   apr_itoa(p, has_failed ? upload->drawn : upload->next_part),
                   has_failed ? "1" : "0"));
}
