/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/figure.h"

#include <apr_strings.h>

enum { HOURS_A_DAY = 24 };

static stg_error_t *take(stg_db_t *db, void *context, apr_pool_t *p)
{
    (void)context;
    STG_TRY(stg_db_query(NULL, db, STG_Q_FIGURE_LOCK, p, STG_NO_PARAMS));
    return stg_db_query(NULL, db, STG_Q_FIGURE_TAKE, p, STG_NO_PARAMS);
}

stg_error_t *stg_figure_take(int *done, stg_staging_t *staging, apr_pool_t *p)
{
    stg_rows_t *rows;

    STG_TRY(stg_db_transact(staging->db, take, NULL, p));
    STG_TRY(stg_db_query(&rows, staging->db, STG_Q_FIGURE_FORGET, p,
                         STG_NO_PARAMS));
    *done = (int)stg_rows_int(rows, 0, "done");
    return STG_OK;
}

stg_error_t *stg_figure_list(stg_rows_t **rows, int *minutes, stg_db_t *db,
                             int hours, apr_pool_t *p)
{
    *minutes = (hours + HOURS_A_DAY - 1) / HOURS_A_DAY;
    return stg_db_query(rows, db, STG_Q_FIGURE_LIST, p,
                        STG_PARAMS(apr_itoa(p, hours), apr_itoa(p, *minutes)));
}
