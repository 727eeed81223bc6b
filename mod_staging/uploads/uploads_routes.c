/* SPDX-License-Identifier: Apache-2.0 */
#include "uploads/uploads_routes.h"

#include "uploads/upload_api.h"

static const stg_route_t routes[] = {
    {"POST", "", STG_GRANT_UPLOAD, stg_upload_post},
    {"GET", "", STG_GRANT_READ, stg_upload_list},
    {"GET", "/{id}", STG_GRANT_READ, stg_upload_get},
    {"GET", "/{id}/data", STG_GRANT_READ, stg_upload_data},
    {"DELETE", "/{id}", STG_GRANT_DELETE, stg_upload_remove},
    {NULL, NULL, STG_GRANT_NOBODY, NULL},
};

const stg_api_t stg_uploads_api = {
    .name = "uploads",
    .handler = "staging-uploads",
    .routes = routes,
};
