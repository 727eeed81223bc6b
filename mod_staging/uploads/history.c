/* SPDX-License-Identifier: Apache-2.0 */
#include "uploads/history.h"

stg_error_t *stg_history_read(apr_array_header_t **events, stg_db_t *db,
                              const char *id, const char *service,
                              const char *owner, apr_pool_t *p)
{
    apr_array_header_t *list;
    stg_rows_t *rows;

    STG_TRY(stg_db_query(&rows, db, STG_Q_UPLOAD_HISTORY, p,
                         STG_PARAMS(id, service, owner)));
    if (!stg_rows_count(rows))
        return stg_raise(p, STG_E_NOT_FOUND, "there is no upload %s", id);
    list = apr_array_make(p, stg_rows_count(rows), sizeof(stg_event_t));
    for (int row = 0; row < stg_rows_count(rows); row++)
        APR_ARRAY_PUSH(list, stg_event_t) = (stg_event_t){
            .event = stg_rows_text(rows, row, "event"),
            .at = stg_rows_time(rows, row, "at"),
            .last = stg_rows_time(rows, row, "last"),
            .count = stg_rows_int(rows, row, "count"),
            .detail = stg_rows_text(rows, row, "detail"),
        };
    *events = list;
    return STG_OK;
}

void stg_history_downloaded(stg_db_t *db, const char *id, apr_pool_t *p)
{
    stg_db_note(db, STG_Q_UPLOAD_DOWNLOADED, p, STG_PARAMS(id));
}
