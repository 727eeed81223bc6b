/* SPDX-License-Identifier: Apache-2.0 */
#include "uploads/uploads_routes.h"

#include "uploads/upload_api.h"
#include "web/cors.h"

static const stg_route_t routes[] = {
    {"POST", "", STG_GRANT_UPLOAD, stg_upload_post},
    {"GET", "", STG_GRANT_READ, stg_upload_list},
    {"GET", "/{id}", STG_GRANT_READ, stg_upload_get},
    {"GET", "/{id}/data", STG_GRANT_READ, stg_upload_data},
    {"GET", "/{id}/events", STG_GRANT_READ, stg_upload_events},
    {"DELETE", "/{id}", STG_GRANT_DELETE, stg_upload_remove},
    {"POST", "/delete", STG_GRANT_DELETE, stg_upload_remove_all},
    {NULL, NULL, STG_GRANT_NOBODY, NULL},
};

static const stg_cors_lists_t cors = {
    .methods = "GET, HEAD, POST, DELETE",
    .request_headers =
        "Authorization, Content-Type, Content-Disposition, Repr-Digest, "
        "Content-MD5, If-None-Match, "
        "If-Match, X-Requested-With",
    .exposed_headers = "Location, Link, ETag, Retry-After, Repr-Digest, "
                       "Content-Disposition, X-Request-Id, X-Total-Count",
};

const stg_api_t stg_uploads_api = {
    .name = "uploads",
    .handler = "staging-uploads",
    .routes = routes,
    .cors = &cors,
};
