/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_BACKGROUND_H
#define STG_BACKGROUND_H

#include "core/gc.h"
#include "core/job.h"

/* All background work of all slices: for the module and for stagingctl. */
extern const stg_job_kind_t stg_job_kinds[];
extern const stg_gc_step_t stg_gc_steps[];

#endif
