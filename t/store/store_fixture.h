/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_T_STORE_STORE_FIXTURE_H
#define STG_T_STORE_STORE_FIXTURE_H

#include "check.h"
#include "store/part_buffer.h"
#include "store/store.h"

/* The store under test, and a pool for the test at hand. */
typedef struct fixture_t {
    stg_store_t *store;
    stg_part_budget_t *budget;
    apr_off_t memory_allowed; /* for one large object; -1: holds them all */
    apr_pool_t *p;
} fixture_t;

extern fixture_t fixture;

enum { KIB = 1024, MIB = 1024 * 1024 };

/* An object of made-up bytes that differ with every seed. */
typedef struct sample_t {
    unsigned int seed;
    apr_off_t size;
    apr_size_t block; /* written so many bytes at a time; 0: now few, now
                       * many; at most 256 KiB */

    const char *key; /* filled in by write_sample() */
    char parts_text[1024];
    const char *parts_id; /* NULL unless parts were begun */
    stg_receipt_t receipt;
} sample_t;

/* Write into a new object. The sink lives in p. */
stg_error_t *open_sample(stg_sink_t **sink, sample_t *sample, apr_pool_t *p);
stg_error_t *fill_sample(stg_sink_t *sink, const sample_t *sample);

/* open, fill and close, in a pool of its own; finish what is to be finished. */
stg_error_t *write_sample(sample_t *sample, apr_pool_t *p);
stg_error_t *write_finished_sample(sample_t *sample, apr_pool_t *p);

/* The same object in parts. The part's place says which bytes of the sample it
 * gets; its etag lives in the pool of the test. */
stg_error_t *begin_sample(sample_t *sample);
stg_error_t *put_sample(stg_stored_part_t *part, const sample_t *sample,
                        stg_part_budget_t *budget, apr_pool_t *p);
stg_error_t *finish_sample(const sample_t *sample,
                           const stg_stored_part_t *parts, int count);

stg_unfinished_t unfinished(const sample_t *sample);

/* Does reading the range give the sample's bytes, and just those? */
stg_error_t *compare_range(int *is_equal, const sample_t *sample,
                           apr_off_t first, apr_off_t count, apr_pool_t *p);

stg_error_t *find_sample(stg_found_t *found, const sample_t *sample);
stg_error_t *remove_sample(const sample_t *sample);

/* Everything in the store, in order. */
apr_array_header_t *list_found(void); /* of stg_found_t */

const char *new_key(void);

/* Register the tests, for the store of the fixture. */
void add_conformance_suite(const char *name);
void add_parts_suite(const char *name);
void add_file_suite(void);
void add_s3_suite(void);

/* Set-up and tear-down of every test: the store is empty before and after. */
void begin_test(void);
void end_test(void);

#endif
