/* SPDX-License-Identifier: Apache-2.0 */
#include "core/walk.h"

#include <apr_strings.h>

enum { BATCH = 1000 };

#define NO_REPAIR STG_QUERIES /* none of them */

/* Each statement sees one moment, and what belongs together is changed by one
 * statement: so whatever is found is wrong, also while others work. */
typedef struct relation_t {
    const char *what;
    stg_query_t check;  /* (after, batch) */
    stg_query_t repair; /* (id) */
} relation_t;

/* clang-format off */
static const relation_t relations[] = {
    {"no job finishes its parts",
     STG_Q_CHECK_UNFINISHED, STG_Q_REPAIR_UNFINISHED},
    {"the row has no size, digests or parts",
     STG_Q_CHECK_INCOMPLETE, NO_REPAIR},
    {"an object that belongs to no upload",
     STG_Q_CHECK_UNOWNED, STG_Q_REPAIR_UNOWNED},
    {"the parts are not what was promised",
     STG_Q_CHECK_GATHERING, STG_Q_REPAIR_GATHERING},
    {"a job has nothing to finish",
     STG_Q_CHECK_IDLE_JOBS, STG_Q_REPAIR_IDLE_JOB},
    {"the server that ran its job is gone",
     STG_Q_CHECK_HELD_JOBS, STG_Q_REPAIR_HELD_JOB},
    {"a success without a stored object",
     STG_Q_CHECK_SUCCESS, STG_Q_REPAIR_STATUS},
    {"a pending upload whose object does not arrive",
     STG_Q_CHECK_PENDING, STG_Q_REPAIR_STATUS},
    {"a failed upload with an object",
     STG_Q_CHECK_FAILURE, STG_Q_REPAIR_STATUS},
};
/* clang-format on */

static stg_error_t *batch_report(stg_check_t *check, stg_db_t *db,
                                 const relation_t *relation,
                                 const stg_rows_t *rows, apr_pool_t *p)
{
    int is_repair =
        check->mode == STG_CHECK_REPAIR && relation->repair != NO_REPAIR;

    for (int i = 0; i < stg_rows_count(rows); i++) {
        const char *id = stg_rows_text(rows, i, "id");
        const char *store = stg_rows_text(rows, i, "store");

        if (is_repair)
            STG_TRY(
                stg_db_query(NULL, db, relation->repair, p, STG_PARAMS(id)));
        check->repaired += is_repair;
        stg_check_report(check, store ? store : "-", id, relation->what);
    }
    return STG_OK;
}

static stg_error_t *relation_check(stg_check_t *check, stg_db_t *db,
                                   const relation_t *relation, apr_pool_t *p)
{
    char after[] = "00000000-0000-0000-0000-000000000000";
    apr_pool_t *turn;
    int count;

    apr_pool_create(&turn, p);
    do {
        stg_rows_t *rows;

        apr_pool_clear(turn);
        STG_TRY(stg_db_query(&rows, db, relation->check, turn,
                             STG_PARAMS(after, apr_itoa(turn, BATCH))));
        count = stg_rows_count(rows);
        STG_TRY(batch_report(check, db, relation, rows, turn));
        if (count)
            apr_cpystrn(after, stg_rows_text(rows, count - 1, "id"),
                        sizeof(after));
    } while (count == BATCH);
    apr_pool_destroy(turn);
    return STG_OK;
}

stg_error_t *stg_relations_check(stg_check_t *check, stg_db_t *db,
                                 apr_pool_t *p)
{
    for (apr_size_t i = 0; i < sizeof(relations) / sizeof(*relations); i++)
        STG_TRY(relation_check(check, db, &relations[i], p));
    return STG_OK;
}
