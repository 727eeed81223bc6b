/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STORE_S3_PLACE_H
#define STG_STORE_S3_PLACE_H

#include <apr_tables.h>
#include <apr_time.h>

/*
 * What answers have taught about a store: how its clock goes and which region
 * its bucket is in. Any thread.
 */

typedef struct stg_s3_place_t stg_s3_place_t;

/* region: as configured. */
stg_s3_place_t *stg_s3_place_create(const char *region, apr_pool_t *p);

/* The store's clock minus ours, as last seen. */
apr_interval_time_t stg_s3_place_offset(stg_s3_place_t *place);

/* False if that is no news. */
int stg_s3_place_learn_clock(stg_s3_place_t *place, const apr_table_t *headers);

/* The learned region, or the configured one. */
const char *stg_s3_place_region(stg_s3_place_t *place, apr_pool_t *p);

/* False if this is no region, or no news. */
int stg_s3_place_learn_region(stg_s3_place_t *place, const char *region,
                              apr_pool_t *p);

#endif
