/* SPDX-License-Identifier: Apache-2.0 */
#include "core/walk.h"

#include <apr_strings.h>

#include <string.h>

enum { RANGE_DIGITS = 4 };

static unsigned int digit(char c)
{
    return (unsigned int)(c <= '9' ? c - '0' : c - 'a' + 10);
}

int stg_tally_range(const char *id)
{
    unsigned int range = 0;

    for (int i = 0; i < RANGE_DIGITS; i++)
        range = range << 4 | digit(id[i]);
    return (int)range;
}

/* Both halves of the id folded into one: enough, since ids are random. */
void stg_tally_add(stg_tally_t *tally, const char *id)
{
    apr_uint64_t folded = 0;

    for (; *id; id++) {
        if (*id != '-')
            folded = (folded << 4 | folded >> 60) ^ digit(*id);
    }
    tally->count++;
    tally->sum ^= folded;
}

int stg_tally_equal(const stg_tally_t *a, const stg_tally_t *b)
{
    return a->count == b->count && a->sum == b->sum;
}

void stg_check_report(stg_check_t *check, const char *store, const char *key,
                      const char *what)
{
    check->differences++;
    check->report(check->context, store, key, what);
}

void stg_walk_report(stg_walk_t *walk, const char *id, const char *what,
                     int is_repaired)
{
    apr_pool_t *p;

    walk->check->repaired += is_repaired;
    apr_pool_create(&p, NULL);
    stg_check_report(walk->check, walk->store->name, stg_store_key(id, p),
                     what);
    apr_pool_destroy(p);
}

static stg_error_t *state_is(int *is_so, stg_walk_t *walk, const char *id,
                             const char *state, apr_pool_t *p)
{
    stg_rows_t *rows;

    STG_TRY(stg_db_query(&rows, walk->staging->db, STG_Q_CHECK_ROWS, p,
                         STG_PARAMS(stg_db_array(&id, 1, p))));
    *is_so =
        stg_rows_count(rows) && !strcmp(stg_rows_text(rows, 0, "state"), state);
    return STG_OK;
}

/* Looked at again, because it may have been deleted since it was read. */
stg_error_t *stg_walk_lost(stg_walk_t *walk, const char *id, const char *state,
                           const char *what, apr_pool_t *p)
{
    int is_repair = walk->check->mode == STG_CHECK_REPAIR;
    int is_so;

    STG_TRY(state_is(&is_so, walk, id, state, p));
    if (!is_so)
        return STG_OK;
    if (is_repair)
        STG_TRY(stg_db_query(NULL, walk->staging->db, STG_Q_REPAIR_LOST, p,
                             STG_PARAMS(id, state, what)));
    stg_walk_report(walk, id, what, is_repair);
    return STG_OK;
}
