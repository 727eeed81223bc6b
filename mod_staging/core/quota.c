/* SPDX-License-Identifier: Apache-2.0 */
#include "core/quota.h"

static stg_error_t *exceeded(const stg_quota_t *quota, apr_off_t left,
                             apr_pool_t *p)
{
    return stg_raise(p, STG_E_QUOTA,
                     "of your quota of %" APR_OFF_T_FMT " bytes %" APR_OFF_T_FMT
                     " are left, too few for this upload: delete uploads that "
                     "you do not need any more",
                     quota->limit, left);
}

/* What comes without a size has one byte at least, or nobody would send it. */
static stg_error_t *look(apr_off_t *room, stg_db_t *db,
                         const stg_quota_t *quota, apr_pool_t *p)
{
    apr_off_t needed = quota->more < 0 ? 1 : quota->more;
    apr_off_t left;
    stg_rows_t *rows;

    STG_TRY(stg_db_query(&rows, db, STG_Q_QUOTA_USED, p,
                         STG_PARAMS(quota->service, quota->owner)));
    left = quota->limit - stg_rows_int(rows, 0, "used");
    if (left < 0)
        left = 0;
    if (needed > left)
        return exceeded(quota, left, p);
    *room = left;
    return STG_OK;
}

stg_error_t *stg_quota_look(apr_off_t *room, const stg_quota_t *quota,
                            apr_pool_t *p)
{
    if (quota->limit)
        return look(room, quota->db, quota, p);
    *room = APR_INT64_MAX;
    return STG_OK;
}

typedef struct spending_t {
    const stg_quota_t *quota;
    stg_query_t query;
    const char *const *params;
    int count;
    stg_rows_t *rows;
} spending_t;

/* A statement sees what was committed before it began: the sum must be asked
 * for by another one than that which waits for the lock. */
static stg_error_t *spend(stg_db_t *db, void *context, apr_pool_t *p)
{
    spending_t *spending = context;
    const stg_quota_t *quota = spending->quota;
    apr_off_t room;

    STG_TRY(stg_db_query(NULL, db, STG_Q_QUOTA_LOCK, p,
                         STG_PARAMS(quota->service, quota->owner)));
    STG_TRY(look(&room, db, quota, p));
    return stg_db_query(&spending->rows, db, spending->query, p,
                        spending->params, spending->count);
}

stg_error_t *stg_quota_query(stg_rows_t **rows, const stg_quota_t *quota,
                             stg_query_t query, apr_pool_t *p,
                             const char *const *params, int count)
{
    spending_t spending = {quota, query, params, count, NULL};

    if (!quota->limit)
        return stg_db_query(rows, quota->db, query, p, params, count);
    STG_TRY(stg_db_transact(quota->db, spend, &spending, p));
    if (rows)
        *rows = spending.rows;
    return STG_OK;
}

typedef struct quota_sink_t {
    stg_sink_t sink;
    stg_sink_t *next;
    stg_quota_t quota;
    apr_off_t room;
    apr_off_t left;
} quota_sink_t;

static stg_error_t *quota_write(stg_sink_t *sink, const char *bytes,
                                apr_size_t count)
{
    quota_sink_t *self = (quota_sink_t *)sink;

    if ((apr_off_t)count > self->left)
        return exceeded(&self->quota, self->room, sink->pool);
    self->left -= (apr_off_t)count;
    return stg_sink_write(self->next, bytes, count);
}

static stg_error_t *quota_close(stg_sink_t *sink)
{
    return stg_sink_close(((quota_sink_t *)sink)->next);
}

stg_sink_t *stg_quota_sink(stg_sink_t *next, const stg_quota_t *quota,
                           apr_off_t room, apr_pool_t *p)
{
    static const stg_sink_class_t cls = {quota_write, quota_close};
    quota_sink_t *self = apr_palloc(p, sizeof(*self));

    *self = (quota_sink_t){.sink = {.cls = &cls, .pool = p},
                           .next = next,
                           .quota = *quota,
                           .room = room,
                           .left = room};
    return &self->sink;
}
