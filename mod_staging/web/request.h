/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_WEB_REQUEST_H
#define STG_WEB_REQUEST_H

#include "auth/credentials.h"
#include "base/query.h"
#include "web/process.h"

#include <httpd.h>

/*
 * An HTTP request as handlers see it. One per request_rec, made as early as
 * post_read_request for paths below our mounts, so that credentials have left
 * the query before anything is logged.
 */

typedef struct stg_request_t {
    request_rec *r;
    apr_pool_t *pool;
    const struct stg_mount_t *mount; /* web/web.h; NULL: none of ours */
    const stg_policy_t *policy;
    stg_process_t *process;
    stg_staging_t *staging;
    const char *id;     /* in errors and logs */
    const char *path;   /* below the mount, "" or "/...";
                         * NULL if another handler serves */
    const char *target; /* the {id} of the route, or NULL */
    const char *args;   /* the query without credentials, or NULL */
    stg_credentials_t credentials;
    const struct stg_principal_t *principal; /* NULL: not authenticated */
    const struct stg_web_session_t *session; /* auth/web_session.h; NULL: the
                                              * proof was another one */
    const apr_array_header_t *query;         /* without credentials */
    const stg_error_t *error;                /* to be rendered */
    const char *refusal;                     /* that error, as a body */
    const char *refusal_type;
    int is_body_read; /* to its end */
    int is_answered;  /* by httpd's own input filter */
} stg_request_t;

/* The request of r if r is below one of our mounts, else NULL. */
stg_request_t *stg_request_get(request_rec *r);

/* The same for any r: one that asks for our authentication at a location of
 * another handler. */
stg_request_t *stg_request_make(request_rec *r);

/* Fill in policy, path and query, once the location is known. INVALID. */
stg_error_t *stg_request_open(stg_request_t *req);

/* The only value of a query parameter, NULL if absent. */
stg_error_t *stg_request_parameter(const char **value, const stg_request_t *req,
                                   const char *name);

/* No ErrorDocument shall lead the answer to an error elsewhere. */
void stg_request_own_error(request_rec *r, int status);

void stg_request_hooks(apr_pool_t *p);

#endif
