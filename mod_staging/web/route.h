/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_WEB_ROUTE_H
#define STG_WEB_ROUTE_H

#include "web/who.h"

/*
 * An API: a handler name for SetHandler and its routes, below whatever path
 * it is mounted at. A {id} in a pattern stands for a UUID, {number} for one of
 * a row; what is none is not found. HEAD is served by GET's handler where it
 * has no route of its own. A slash behind the mount makes no difference.
 */

typedef stg_error_t *stg_handler_t(stg_request_t *req);

typedef struct stg_route_t {
    const char *method;
    const char *pattern;
    stg_grant_t grant; /* checked before the handler runs */
    stg_handler_t *handler;
} stg_route_t;

typedef struct stg_api_t {
    const char *name; /* in metrics */
    const char *handler;
    const stg_route_t *routes; /* ended by a NULL method */

    /* The rest may be 0 or NULL. */

    /* No query of a request is shown or logged. */
    int is_query_private;

    /* First of all, before anybody is authenticated: headers of every answer,
     * a method to be overridden (req->r->method), refusals that need no
     * principal. */
    stg_error_t *(*begin)(stg_request_t *req);

    /* OPTIONS of any path, which needs no principal. NULL: only preflights
     * are answered. */
    stg_handler_t *options;

    /* For pages of StagingOrigins; NULL: none are served. */
    const struct stg_cors_lists_t *cors;

    /* The answer to an error: may set r->status_line, err_headers_out and
     * *content_type, and returns the body, "" for none. NULL: the usual JSON
     * document. err is NULL for what httpd itself refuses; begin may not have
     * been called then, and req->policy may be NULL. */
    const char *(*refuse)(stg_request_t *req, const stg_error_t *err,
                          const char **content_type);
} stg_api_t;

/* The API of a request below one of our mounts, NULL otherwise. */
const stg_api_t *stg_route_api(const stg_request_t *req);

/* The route for req, with req->target set. NOT_FOUND; BAD_METHOD with the
 * Allow header set. */
stg_error_t *stg_route_find(const stg_route_t **route, const stg_api_t *api,
                            stg_request_t *req);

#endif
