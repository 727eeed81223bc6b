/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_CORE_GC_H
#define STG_CORE_GC_H

#include "core/staging.h"

/*
 * Garbage collection: a list of steps, each of which works off one batch and
 * says how many it found; a step that filled its batch is run again. Steps
 * are safe on any number of nodes at once and may die anywhere.
 */

enum { STG_GC_BATCH = 1000 };

/* *done gets the number worked off. */
typedef stg_error_t *stg_gc_fn_t(int *done, stg_staging_t *staging,
                                 apr_pool_t *p);

typedef struct stg_gc_step_t {
    const char *name; /* for log and metrics */
    stg_gc_fn_t *run;
} stg_gc_step_t;

/* The first step: bury the dead (core/node.h). */
stg_error_t *stg_gc_nodes(int *done, stg_staging_t *staging, apr_pool_t *p);

/* Part uploads that nobody has continued in time are to go; rows of those
 * that are stored or to go, and that nobody alive holds; tails that belong to
 * nothing any more. In this order, before the last step. */
stg_gc_fn_t stg_gc_expired_parts;
stg_gc_fn_t stg_gc_ended_parts;
stg_gc_fn_t stg_gc_tails;

/* Rows that are kept to say what became of an upload. */
stg_gc_fn_t stg_gc_tombstones;

/* Sessions and links that have ended, and failures to sign in of old. */
stg_gc_fn_t stg_gc_sessions;

/* The last step, after the slices have turned what is expired or abandoned
 * (receiving, without a receiver that has a row) into deleting:
 * objects in state deleting without a living receiver, or a row of
 * part_upload, lose their bytes, then their rows. Meanwhile this node, which
 * must have its row, is their receiver: one that dies over them leaves them to
 * the others. Fails, after the work, if some are in a store that is not
 * configured: they are left alone. */
stg_error_t *stg_gc_objects(int *done, stg_staging_t *staging, apr_pool_t *p);

/* All steps (ended by a NULL name) until nothing is left or *stop turns
 * true; *done counts everything. A failing step does not keep the later ones
 * from running; the first error is returned. */
stg_error_t *stg_gc_run(int *done, stg_staging_t *staging,
                        const stg_gc_step_t *steps, const int *stop,
                        apr_pool_t *p);

#endif
