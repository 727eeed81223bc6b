/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_UPLOADS_UPLOAD_H
#define STG_UPLOADS_UPLOAD_H

#include "core/gc.h"
#include "core/job.h"
#include "core/object.h"
#include "stream/digest_field.h"

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
    apr_off_t max_size;
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
    apr_off_t size;        /* -1 before success */
    stg_digests_t digests; /* none before success */
} stg_upload_t;

/* An upload that is arriving. */
typedef struct stg_arrival_t stg_arrival_t;

/* The row first, then the way for the bytes. */
stg_error_t *stg_arrival_begin(stg_arrival_t **arrival, stg_staging_t *staging,
                               const stg_upload_spec_t *spec, apr_pool_t *p);
const char *stg_arrival_id(const stg_arrival_t *arrival);

/* Takes at most spec->max_size bytes. Do not close it. */
stg_sink_t *stg_arrival_sink(stg_arrival_t *arrival);

/* All bytes have come: make them durable, then say so. On success the upload
 * is success, or pending until a job has put its parts together. Fails with
 * DIGEST_MISMATCH, before anything is kept, if the bytes are not those that
 * the client announced; with NOT_FOUND if its owner deleted it meanwhile. */
stg_error_t *stg_arrival_finish(stg_upload_t **upload, stg_arrival_t *arrival,
                                const char *label,
                                const stg_digests_t *announced);

/* It came to nothing: row failure with why, bytes removed. Best effort; what
 * fails here GC does. label may be NULL. */
void stg_arrival_fail(stg_arrival_t *arrival, const char *label,
                      const stg_error_t *why);

/* The upload in a row of upload_find, upload_page or upload_received; its
 * texts live as long as the rows. */
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

/* A walk through a list, newest first, a page at a time. */
typedef struct stg_upload_query_t {
    const char *service;
    const char *owner;
    const char *status;    /* NULL: any */
    apr_time_t before;     /* the place after which to go on; */
    const char *before_id; /* advanced by every page */
} stg_upload_query_t;

/* Start at the newest, or behind the upload that cursor names (see
 * stg_upload_cursor). INVALID. */
stg_error_t *stg_upload_query_start(stg_upload_query_t *query,
                                    const char *cursor, apr_pool_t *p);
const char *stg_upload_cursor(const stg_upload_query_t *query, apr_pool_t *p);

/* At most count uploads, of stg_upload_t; fewer at the end. query's before_id
 * lives in the page's pool: copy it before that is cleared. */
stg_error_t *stg_upload_page(apr_array_header_t **page, stg_db_t *db,
                             stg_upload_query_t *query, int count,
                             apr_pool_t *p);

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
