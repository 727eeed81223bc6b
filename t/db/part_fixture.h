/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_T_DB_PART_FIXTURE_H
#define STG_T_DB_PART_FIXTURE_H

#include "core_fixture.h"

#include "core/part_row.h"

/*
 * Part uploads as their slice has them: rows of object, part_upload, upload and
 * resumable of one id, and requests that append bytes of a pattern which tells
 * where in the object they belong.
 */

/* For who may have as much as he likes. */
extern const stg_quota_t no_quota;

/* The rows; size as SQL. The id. */
const char *part_begin(core_t *core, stg_store_t *store, const char *size);

stg_transfer_plan_t part_plan(stg_store_t *store);
stg_part_upload_t *part_take(stg_staging_t *staging, const char *id,
                             apr_pool_t *p);
stg_sink_t *part_sink(stg_part_upload_t *upload, stg_store_t *store);

/* Bytes of the pattern; with another salt, others. */
void part_pattern(char *bytes, apr_off_t first, int count, int salt);

/* The bytes of the pattern from first on, in pieces of any size. */
stg_error_t *part_write(stg_sink_t *sink, apr_off_t first, int count);

/* A request that appends count bytes. */
void part_append(core_t *core, stg_staging_t *staging, stg_store_t *store,
                 const char *id, int count);

/* The last request: what has come is the object. */
const char *part_complete(core_t *core, stg_store_t *store,
                          stg_part_upload_t *upload, const char *id);

/* One value of the database, as text. */
const char *core_ask(core_t *core, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const char *part_row(core_t *core, const char *id, const char *column);

/* The stored object is the first size bytes of the pattern, and the row says
 * so. */
void part_expect(core_t *core, stg_store_t *store, const char *id, int size);

/* What a store lists. */
int part_things(core_t *core, stg_store_t *store);

/* stg_difference_fn_t */
void part_ignore(void *context, const char *store, const char *key,
                 const char *what);

void part_expect_no_difference(core_t *core);
void part_expect_nothing_left(core_t *core);

#endif
