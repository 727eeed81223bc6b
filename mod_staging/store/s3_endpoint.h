/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STORE_S3_ENDPOINT_H
#define STG_STORE_S3_ENDPOINT_H

#include "base/error.h"

/*
 * Where a bucket is: scheme, host and style of address. Pure. The host is in
 * the form that is both sent and signed: lower case, without the scheme's
 * default port.
 */

typedef enum stg_s3_addressing_t {
    STG_S3_AUTO, /* virtual host at AWS if the bucket is one DNS label */
    STG_S3_PATH,
    STG_S3_VIRTUAL
} stg_s3_addressing_t;

typedef struct stg_s3_endpoint_t {
    const char *scheme; /* "https" or "http" */
    const char *host;   /* without the bucket, with a port not the default */
    int is_virtual;     /* the bucket stands before the host */
} stg_s3_endpoint_t;

/* "auto", "path", "virtual". */
int stg_s3_addressing_parse(stg_s3_addressing_t *addressing, const char *text);

/* Read scheme://host[:port]. Fails with INVALID and a sentence. */
stg_error_t *stg_s3_endpoint_parse(stg_s3_endpoint_t **endpoint,
                                   const char *url,
                                   stg_s3_addressing_t addressing,
                                   const char *bucket, apr_pool_t *p);

/* The Host header for requests to bucket (may be NULL). */
const char *stg_s3_endpoint_host(const stg_s3_endpoint_t *endpoint,
                                 const char *bucket, apr_pool_t *p);

/* The encoded path of a key, of the bucket (key NULL) or of / (both NULL). */
const char *stg_s3_endpoint_path(const stg_s3_endpoint_t *endpoint,
                                 const char *bucket, const char *key,
                                 apr_pool_t *p);

/* AWS's own endpoint of a region; also where a redirect of AWS leads. */
const char *stg_s3_endpoint_aws(const char *region, apr_pool_t *p);
int stg_s3_endpoint_is_aws(const stg_s3_endpoint_t *endpoint);

#endif
