/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STORE_STORE_S3_H
#define STG_STORE_STORE_S3_H

#include "store/part_buffer.h"
#include "store/s3_client.h"
#include "store/store.h"

/*
 * The S3 driver's store, for the files that it is written in: s3_options.c
 * (open), s3_list.c, s3_remove.c, s3_probe.c, store_s3.c (the rest).
 *
 * Options of StagingStore for s3://bucket[/prefix]:
 *     endpoint=URL          AWS's of the region
 *     public_endpoint=URL   of presigned URLs; as endpoint
 *     region=NAME           AWS_REGION, or us-east-1
 *     addressing=auto|path|virtual
 *     access_key= secret_key=, or credentials= (s3_credentials.h); auto
 *     ca=FILE               who signed the store's certificate; the system's
 *     part_size=16M         of the first parts; parts grow with the object
 *     parallel=4            parts of one object on their way at once
 *     connect_timeout=5s timeout=30s stall_timeout=20s
 *     deadline=60s          for all attempts of one call
 */

typedef struct stg_s3_store_t {
    stg_store_t store;
    stg_s3_client_t *client;
    stg_part_budget_t *budget;
    const char *bucket;
    const char *host;    /* for the log */
    const char *prefix;  /* of all keys: "" or ends in a slash */
    int is_bulk_refused; /* atomic: DeleteObjects does not work here */
} stg_s3_store_t;

/* The key in the bucket; INTERNAL if it is no key of ours. */
stg_error_t *stg_s3_store_key(const char **whole, const stg_s3_store_t *store,
                              const char *key, apr_pool_t *p);

stg_error_t *stg_s3_store_open(stg_store_t **store,
                               const stg_store_config_t *config, apr_pool_t *p);
stg_error_t *stg_s3_store_list(stg_store_t *store, stg_found_fn_t *fn,
                               void *context, apr_pool_t *p);

/* What was begun in parts under a key, as stg_s3_store_list(). */
stg_error_t *stg_s3_store_list_uploads(stg_s3_store_t *store, const char *key,
                                       stg_found_fn_t *fn, void *context,
                                       apr_pool_t *p);

/* Abort all of these but for the one whose id is kept (NULL: none). */
stg_error_t *stg_s3_store_abort_uploads(stg_s3_store_t *store, const char *key,
                                        const char *kept, apr_pool_t *p);

stg_error_t *stg_s3_store_remove(stg_store_t *store,
                                 const stg_unfinished_t *what, int count,
                                 apr_pool_t *p);
stg_error_t *stg_s3_store_probe(const char **summary, stg_store_t *store,
                                const char *key, apr_pool_t *p);

#endif
