/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_WEB_ROUTE_H
#define STG_WEB_ROUTE_H

#include "web/who.h"

/*
 * An API: a handler name for SetHandler and its routes, below whatever path
 * it is mounted at. A {id} in a pattern stands for a UUID; what is none is
 * not found. HEAD is served by GET's handler.
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
} stg_api_t;

/* The route for req, with req->target set. NOT_FOUND; BAD_METHOD with the
 * Allow header set. */
stg_error_t *stg_route_find(const stg_route_t **route, const stg_api_t *api,
                            stg_request_t *req);

#endif
