/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_CORE_RECONCILE_H
#define STG_CORE_RECONCILE_H

#include "core/staging.h"

/*
 * Compares rows with bytes, both ways: every stored object is in its store
 * with its size, and everything in a store (objects, temporary files,
 * unfinished parts) belongs to a row that allows for it; and rows with each
 * other: uploads, objects and jobs. Constant memory; what is just being
 * received, finished or deleted is not a difference.
 */

typedef enum stg_check_mode_t {
    STG_CHECK_REPORT,
    STG_CHECK_REPAIR, /* strays are removed, rows without bytes marked */
} stg_check_mode_t;

/* One line a difference. */
typedef void stg_difference_fn_t(void *context, const char *store,
                                 const char *key, const char *what);

typedef struct stg_check_t {
    stg_check_mode_t mode;
    int is_deep; /* re-read bytes and compare digests */
    stg_difference_fn_t *report;
    void *context;
    apr_int64_t objects;     /* out: looked at */
    apr_int64_t differences; /* out */
    apr_int64_t repaired;    /* out */
} stg_check_t;

stg_error_t *stg_check_run(stg_check_t *check, stg_staging_t *staging,
                           apr_pool_t *p);

#endif
