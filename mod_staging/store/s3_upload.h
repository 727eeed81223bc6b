/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STORE_S3_UPLOAD_H
#define STG_STORE_S3_UPLOAD_H

#include "store/store_s3.h"

/*
 * The calls that bring an object into the bucket: begin, one part, all in one,
 * undo. An upload may be used by several threads for parts.
 */

typedef struct stg_s3_upload_t {
    stg_s3_store_t *store;
    const char *key;     /* whole, with the store's prefix */
    const char *id;      /* set by begin() */
    int is_single_begun; /* a PUT was sent, whatever came of it */
    int is_cancelled;    /* atomic: parts on their way give up */
} stg_s3_upload_t;

typedef struct stg_s3_part_t {
    int number;
    unsigned char md5[STG_PART_MD5_BYTES];
    const char *etag; /* the store's, without quotes */
    int has_own_etag; /* it is no MD5 */
} stg_s3_part_t;

/* CreateMultipartUpload, then spec->on_parts_begun(). Repeated, because an
 * answer was lost, it leaves no other upload under the key. */
stg_error_t *stg_s3_upload_begin(stg_s3_upload_t *upload,
                                 const stg_object_spec_t *spec, apr_pool_t *p);

/* UploadPart with its MD5; the ETag must agree. NOT_FOUND if the store does
 * not know the upload. */
stg_error_t *stg_s3_upload_part(stg_s3_part_t *part, stg_s3_upload_t *upload,
                                const stg_part_buffer_t *buffer, apr_pool_t *p);

/* While an object is being sent, what is not there is the store's failure:
 * the client asked for nothing that could be missing. Returns err. */
stg_error_t *stg_s3_upload_blame(stg_error_t *err);

/* PutObject with its MD5, then a look at what the store has. */
stg_error_t *stg_s3_upload_single(const char **etag, stg_s3_upload_t *upload,
                                  const stg_object_spec_t *spec,
                                  const stg_part_buffer_t *buffer,
                                  apr_pool_t *p);

/* Abort or remove what was begun, as far as the store answers; what stays is
 * for garbage collection. Needs no pool: runs in cleanups. */
void stg_s3_upload_undo(stg_s3_upload_t *upload);

#endif
