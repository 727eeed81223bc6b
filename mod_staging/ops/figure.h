/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_OPS_FIGURE_H
#define STG_OPS_FIGURE_H

#include "core/gc.h"

/*
 * How the service was, a row for each minute in which garbage was collected
 * somewhere. Kept for 14 days.
 */

enum { STG_FIGURE_MAX_HOURS = 14 * 24 };

/* A step of garbage collection: takes the figures of this minute, unless
 * another process has, and removes old ones. */
stg_gc_fn_t stg_figure_take;

/* The rows of the last hours (figure_list has their columns), oldest first;
 * of more than a day several are put together, so that there are never more
 * than 1441. *minutes gets how many minutes a row stands for. */
stg_error_t *stg_figure_list(stg_rows_t **rows, int *minutes, stg_db_t *db,
                             int hours, apr_pool_t *p);

#endif
