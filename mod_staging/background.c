/* SPDX-License-Identifier: Apache-2.0 */
#include "background.h"

#include "ops/figure.h"
#include "resumable/concat.h"
#include "uploads/upload.h"

const stg_job_kind_t stg_job_kinds[] = {
    {STG_OBJECT_FINISH, stg_upload_run_finish, stg_upload_give_up_finish},
    {STG_RESUMABLE_CONCAT, stg_concat_run, stg_concat_give_up},
    {NULL, NULL, NULL},
};

/* Who is dead, then what slices make of it, then what core ends. */
const stg_gc_step_t stg_gc_steps[] = {
    {"nodes", stg_gc_nodes},
    {"expired uploads", stg_upload_gc_expired},
    {"abandoned uploads", stg_upload_gc_abandoned},
    {"tombstones", stg_gc_tombstones},
    {"sessions", stg_gc_sessions},
    {"expired part uploads", stg_gc_expired_parts},
    {"ended part uploads", stg_gc_ended_parts},
    {"tails", stg_gc_tails},
    {"objects", stg_gc_objects},
    {"figures", stg_figure_take},
    {NULL, NULL},
};
