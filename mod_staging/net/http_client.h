/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_NET_HTTP_CLIENT_H
#define STG_NET_HTTP_CLIENT_H

#include "stream/sink.h"

#include <apr_tables.h>
#include <apr_time.h>

/*
 * One HTTP call: a request in, status and headers out, the body into a sink.
 * The only home of libcurl. Redirects are never followed; a host's proxy
 * variables are ignored for link-local and loopback targets; TLS is
 * verified, 1.2 at least.
 *
 * A client keeps connections alive between calls and may be used by any
 * number of threads; each call borrows one handle.
 *
 * Fails with NET-neutral codes: STORE_DOWN stands for "no complete answer"
 * (connect, TLS, reset, deadline); callers translate it. An HTTP status is
 * never an error here.
 */

typedef struct stg_http_client_t stg_http_client_t;

typedef struct stg_http_request_t {
    const char *method;
    const char *url;            /* sent as it is */
    const apr_table_t *headers; /* may be NULL */
    const char *body;           /* or NULL; must stay until the end */
    apr_off_t body_size;
    int body_fd;           /* if > 0: the body is body_size bytes */
    apr_off_t body_offset; /* of this file from here */
    apr_interval_time_t connect_timeout;
    apr_interval_time_t timeout;       /* for the whole call */
    apr_interval_time_t stall_timeout; /* fail when nothing moves so long */
    const char *ca_file;               /* or NULL: the system's */
    int is_sent_once; /* libcurl sends again what a kept connection lost */
    /* Or NULL: give up within a second when one turns true. */
    const int *is_cancelled;
    const int *is_stopping;
} stg_http_request_t;

typedef struct stg_http_response_t {
    int status;
    apr_table_t *headers; /* last value of each name */
    const char *body;     /* if no sink was given; NUL-terminated */
    apr_size_t body_size;
    int is_body_sent; /* did all of our body leave? */
} stg_http_response_t;

/* Once per process before threads start. */
void stg_http_init(void);

stg_http_client_t *stg_http_client_create(apr_pool_t *p);

/* body gets a 2xx answer's body as it arrives (not closed here); with body
 * NULL, and for other statuses, at most max_body bytes are kept in the
 * response; more is an error. */
stg_error_t *stg_http_call(stg_http_response_t **response,
                           stg_http_client_t *client,
                           const stg_http_request_t *request, stg_sink_t *body,
                           apr_size_t max_body, apr_pool_t *p);

#endif
