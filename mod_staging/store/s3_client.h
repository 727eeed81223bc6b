/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STORE_S3_CLIENT_H
#define STG_STORE_S3_CLIENT_H

#include "store/s3_credentials.h"
#include "store/s3_endpoint.h"

/*
 * One signed call to one bucket: with retries, their budget, the store's
 * clock, its region and the refresh of refused keys. Any answer but those
 * that a retry mends is handed to the caller as it is.
 */

typedef struct stg_s3_client_t stg_s3_client_t;

typedef struct stg_s3_settings_t {
    const stg_s3_endpoint_t *endpoint;
    const stg_s3_endpoint_t *public_endpoint; /* for presigned URLs */
    const char *bucket;
    const char *region;
    const char *ca_file; /* or NULL */
    stg_s3_credentials_t *credentials;
    stg_http_client_t *http;
    apr_interval_time_t connect_timeout;
    apr_interval_time_t timeout;  /* for an answer, beside the transfer */
    apr_interval_time_t deadline; /* the same, for all attempts of a call */
    apr_interval_time_t stall_timeout;
} stg_s3_settings_t;

typedef struct stg_s3_call_t {
    const char *method;
    const char *key;            /* NULL: the bucket itself */
    const apr_table_t *query;   /* or NULL */
    const apr_table_t *headers; /* or NULL; all are signed */
    const char *body;           /* or NULL */
    apr_off_t body_size;
    int body_fd;        /* if > 0, in place of body, from offset 0 */
    int is_body_hashed; /* sign a SHA-256 of body; for small documents */
    int is_counted;     /* attempts of the answer must not miss any */
    stg_sink_t *sink;   /* of a 2xx answer; then there is no retry */
    int attempts;       /* 0: the usual */
    /* For all attempts; 0: the settings'; else no stall counts. */
    apr_interval_time_t timeout;
    const int *is_cancelled; /* or NULL; atomic */
} stg_s3_call_t;

typedef struct stg_s3_answer_t {
    int status;
    const apr_table_t *headers;
    const char *body;
    apr_size_t body_size;
    const char *code; /* of an Error document, or NULL */
    int attempts;     /* 1 = the first was answered */
} stg_s3_answer_t;

/* settings are copied, what they point to is not. */
stg_s3_client_t *stg_s3_client_create(const stg_s3_settings_t *settings,
                                      apr_pool_t *p);

/* The same, but its calls fail when *is_stopping (atomic) turns true, also
 * those that wait for an answer then. */
stg_s3_client_t *stg_s3_client_stoppable(const stg_s3_client_t *client,
                                         const int *is_stopping, apr_pool_t *p);

/* Does the store count as down? Most calls fail at once then. */
int stg_s3_client_is_down(const stg_s3_client_t *client);

/* Fails with STORE_DOWN if there is no answer in time, or with the sink's
 * error. */
stg_error_t *stg_s3_call(stg_s3_answer_t **answer, stg_s3_client_t *client,
                         const stg_s3_call_t *call, apr_pool_t *p);

/* The same, and other statuses than 2xx fail: NOT_FOUND, NO_SPACE,
 * STORE_DOWN (5xx), STORE_FAILED. */
stg_error_t *stg_s3_call_ok(stg_s3_answer_t **answer, stg_s3_client_t *client,
                            const stg_s3_call_t *call, apr_pool_t *p);

/* The error of an answer; for calls that accept some refusals. */
stg_error_t *stg_s3_refusal(const stg_s3_call_t *call,
                            const stg_s3_answer_t *answer, apr_pool_t *p);

/* Does the answer have this code? */
int stg_s3_answer_is(const stg_s3_answer_t *answer, const char *code);

/* By which the store's own log knows the request, "-" if it tells none. */
const char *stg_s3_answer_id(const stg_s3_answer_t *answer);

/* A header of the answer, NULL if there is none. */
const char *stg_s3_answer_header(const stg_s3_answer_t *answer,
                                 const char *name);

/* A URL of the public endpoint for this method and nothing else. Its life is
 * cut to that of the keys. */
stg_error_t *stg_s3_presign(const char **url, stg_s3_client_t *client,
                            const stg_s3_call_t *call,
                            apr_interval_time_t lifetime, apr_pool_t *p);

/* The store's clock minus ours, as last seen. */
apr_interval_time_t stg_s3_client_offset(const stg_s3_client_t *client);

#endif
