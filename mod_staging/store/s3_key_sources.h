/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STORE_S3_KEY_SOURCES_H
#define STG_STORE_S3_KEY_SOURCES_H

#include "store/s3_credentials.h"

/*
 * The places that keys are read from: one function, no state. For
 * s3_credentials.c, which caches, and for tests.
 */

typedef enum stg_s3_source_kind_t {
    STG_S3_SOURCE_FILE,
    STG_S3_SOURCE_SHARED,
    STG_S3_SOURCE_ENV,
    STG_S3_SOURCE_CONTAINER,
    STG_S3_SOURCE_INSTANCE
} stg_s3_source_kind_t;

typedef struct stg_s3_source_t {
    stg_s3_source_kind_t kind;
    const char *path;    /* file, shared */
    const char *profile; /* shared */
    stg_http_client_t *client;
    stg_s3_getenv_t *env;
} stg_s3_source_t;

/* Understand "file:PATH", "shared:PATH#PROFILE", "env", "auto" and so on.
 * INVALID with a sentence for the administrator. */
stg_error_t *stg_s3_source_parse(stg_s3_source_t *source, const char *text,
                                 apr_pool_t *p);

/* Read the keys now. */
stg_error_t *stg_s3_source_read(stg_s3_keys_t *keys,
                                const stg_s3_source_t *source, apr_pool_t *p);

#endif
