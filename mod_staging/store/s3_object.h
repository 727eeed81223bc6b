/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STORE_S3_OBJECT_H
#define STG_STORE_S3_OBJECT_H

#include "store/s3_client.h"
#include "store/store.h"

/*
 * One object of a bucket: what it is, whether it is what we sent, and the end
 * of an upload in parts. Keys are whole, with the store's prefix.
 */

/* Header with our token, given when an object is begun. */
#define STG_S3_TOKEN_HEADER "x-amz-meta-staging-token"

enum { STG_S3_MAX_PARTS = 10000 };

typedef struct stg_s3_object_t {
    apr_off_t size;
    const char *etag;  /* without quotes, or NULL */
    const char *token; /* or NULL */
    const char *content_type;
    apr_time_t modified; /* 0 if not known */
    int has_own_etag;    /* encrypted: its ETag is no digest of ours */
} stg_s3_object_t;

/* The ETag of an object of parts: MD5 of their MD5s, a dash, their number. */
const char *stg_s3_etag_of_parts(const unsigned char *md5s, int count,
                                 apr_pool_t *p);

/* Is the ETag a digest by its looks and by what the answer says? */
int stg_s3_etag_is_digest(const char *etag, const stg_s3_answer_t *answer);

/* Fails with NOT_FOUND. */
stg_error_t *stg_s3_object_head(stg_s3_object_t *object,
                                stg_s3_client_t *client, const char *key,
                                apr_pool_t *p);

/* Is it there, with this size, ETag and token (NULL: not compared)? Fails
 * with NOT_FOUND or STORE_FAILED. what->key is not used. */
stg_error_t *stg_s3_object_verify(stg_s3_client_t *client, const char *key,
                                  const stg_unfinished_t *what, apr_pool_t *p);

/* All parts of an upload, of stg_s3_item_t. NOT_FOUND if the store does not
 * know it. */
stg_error_t *stg_s3_object_list_parts(apr_array_header_t **parts,
                                      stg_s3_client_t *client, const char *key,
                                      const char *upload_id, apr_pool_t *p);

/* Of these parts. What came of it, a look at the object has to tell: also
 * where this is OK it may have had no effect. */
stg_error_t *stg_s3_object_complete(stg_s3_client_t *client, const char *key,
                                    const char *upload_id,
                                    const apr_array_header_t *parts,
                                    apr_pool_t *p);

/* See finish() of a driver. */
stg_error_t *stg_s3_object_finish(stg_s3_client_t *client, const char *key,
                                  const stg_unfinished_t *what, apr_pool_t *p);

/* Until the store no longer knows the upload. */
stg_error_t *stg_s3_object_abort(stg_s3_client_t *client, const char *key,
                                 const char *upload_id, apr_pool_t *p);

#endif
