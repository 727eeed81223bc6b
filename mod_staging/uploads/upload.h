/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_UPLOADS_UPLOAD_H
#define STG_UPLOADS_UPLOAD_H

#include "core/gc.h"
#include "core/job.h"
#include "core/object.h"
#include "core/quota.h"
#include "stream/digest_field.h"

#include <apr_hash.h>

/*
 * An EDI upload (spec/edi.md, 1): one object with a label, visible to its
 * owner as pending while it arrives, then success or failure, until it
 * expires.
 */

enum { STG_UPLOAD_LABEL_MAX = 255 /* characters */ };

/* What a new upload is made from; sizes in bytes, -1 if not known. */
typedef struct stg_upload_spec_t {
    stg_store_t *store;
    const char *service;
    const char *owner;
    const char *filename;
    const char *content_type;
    apr_off_t size;
    apr_off_t least; /* that will come in any case */
    apr_off_t most;  /* that can come */
    apr_off_t max_size;
    apr_off_t quota;     /* of the owner, 0: none */
    apr_off_t room;      /* that is left of it, if most is not known */
    apr_off_t retention; /* seconds */
    stg_algorithm_set_t algorithms;
} stg_upload_spec_t;

/* An upload as it is listed. */
typedef struct stg_upload_t {
    const char *id;
    const char *label;
    const char *status; /* pending, success, failure */
    const char *filename;
    const char *content_type;
    const char *message; /* why it failed, or NULL */
    apr_time_t created;
    apr_time_t expires;
    const char *object; /* id, or NULL if it is gone */
    const char *store;
    apr_off_t size;        /* -1 before success, if it is not declared */
    apr_off_t offset;      /* of one that can be resumed; -1: none */
    stg_digests_t digests; /* none before success */
} stg_upload_t;

/* An upload that is arriving. */
typedef struct stg_arrival_t stg_arrival_t;

/* Before the body: is there room for what will only be begun in the midst of
 * it, or comes without a size? Sets spec->room. QUOTA. */
stg_error_t *stg_arrival_look(stg_upload_spec_t *spec,
                              const stg_staging_t *staging, apr_pool_t *p);

/* The row first, then the way for the bytes. QUOTA. */
stg_error_t *stg_arrival_begin(stg_arrival_t **arrival, stg_staging_t *staging,
                               const stg_upload_spec_t *spec, apr_pool_t *p);
const char *stg_arrival_id(const stg_arrival_t *arrival);

/* Takes at most spec->max_size bytes. Do not close it. */
stg_sink_t *stg_arrival_sink(stg_arrival_t *arrival);

/* All bytes have come: make them durable, then say so. On success the upload
 * is success, or pending until a job has put its parts together. Fails with
 * DIGEST_MISMATCH, before anything is kept, if the bytes are not those that
 * the client announced; with NOT_FOUND if its owner deleted it meanwhile;
 * with QUOTA if others have taken the room of what came without a size. */
stg_error_t *stg_arrival_finish(stg_upload_t **upload, stg_arrival_t *arrival,
                                const char *label,
                                const stg_digests_t *announced);

/* It came to nothing: row failure with why, bytes removed. Best effort; what
 * fails here GC does. label may be NULL. */
void stg_arrival_fail(stg_arrival_t *arrival, const char *label,
                      const stg_error_t *why);

/* The upload in a row of upload_find, a page or upload_received; its texts
 * live as long as the rows. */
void stg_upload_read(stg_upload_t *upload, const stg_rows_t *rows, int row);

/* A label as given; if none is, the beginning of fallback, which is UTF-8.
 * INVALID if it is not UTF-8 or too long. */
stg_error_t *stg_upload_label(const char **label, const char *given,
                              const char *fallback, apr_pool_t *p);

/* NOT_FOUND if there is none of this id, service and owner. */
stg_error_t *stg_upload_find(stg_upload_t **upload, stg_db_t *db,
                             const char *id, const char *service,
                             const char *owner, apr_pool_t *p);
stg_error_t *stg_upload_delete(stg_staging_t *staging, const char *id,
                               const char *service, const char *owner,
                               apr_pool_t *p);

/* Many at once; those that are not there are left out. */
typedef struct stg_upload_batch_t {
    const char *service;
    const char *owner;
    const apr_array_header_t *ids; /* of const char *: UUIDs */
    apr_hash_t *deleted;           /* out: ids of those that were there */
} stg_upload_batch_t;

stg_error_t *stg_upload_delete_all(stg_upload_batch_t *batch,
                                   stg_staging_t *staging, apr_pool_t *p);

/* Background work of this slice. */
stg_error_t *stg_upload_run_finish(stg_staging_t *staging, const stg_job_t *job,
                                   apr_pool_t *p);
stg_error_t *stg_upload_give_up_finish(stg_staging_t *staging,
                                       const stg_job_t *job,
                                       const stg_error_t *why, apr_pool_t *p);
stg_error_t *stg_upload_gc_expired(int *done, stg_staging_t *staging,
                                   apr_pool_t *p);
stg_error_t *stg_upload_gc_abandoned(int *done, stg_staging_t *staging,
                                     apr_pool_t *p);

#endif
