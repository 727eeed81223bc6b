/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_WEB_CORS_H
#define STG_WEB_CORS_H

#include "web/request.h"

/*
 * Cross-origin requests (Fetch standard, CORS protocol) of the origins that
 * StagingOrigins names. An answer to another origin has none of these fields,
 * and is otherwise the same.
 */

/* The comma-separated lists of one API. */
typedef struct stg_cors_lists_t {
    const char *methods;
    const char *request_headers;
    const char *exposed_headers;
} stg_cors_lists_t;

/* Set the fields of the answer, whatever it will be, errors of httpd too.
 * dispatch.c and web/refuse.c call it for APIs that have lists. */
void stg_cors_apply(stg_request_t *req, const stg_cors_lists_t *lists);

/* The same for an answer to OPTIONS, with what a preflight asks for. */
void stg_cors_preflight(stg_request_t *req, const stg_cors_lists_t *lists);

/* Does a browser ask what a page of an allowed origin may do? */
int stg_cors_is_preflight(const stg_request_t *req);

/* May what a browser adds by itself count, though it comes from a page of
 * another site? */
int stg_cors_is_trusted(const stg_request_t *req);

#endif
