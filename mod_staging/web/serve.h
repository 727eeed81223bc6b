/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_WEB_SERVE_H
#define STG_WEB_SERVE_H

#include "web/request.h"

/* An object as the body of an answer. */
typedef struct stg_serve_t {
    stg_store_t *store; /* NULL: NOT_FOUND */
    const char *object; /* id; also its ETag: an object never changes */
    const char *content_type;
    const char *filename;
    const char *sha256; /* hex or NULL: for Repr-Digest */
} stg_serve_t;

/* With Range, conditions, sendfile where the store has files, and headers
 * that keep a browser from running what was uploaded (RFC 9110, 13 and 14;
 * RFC 9530). NOT_FOUND; errors of the store. */
stg_error_t *stg_serve(stg_request_t *req, const stg_serve_t *what);

#endif
