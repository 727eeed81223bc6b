/* SPDX-License-Identifier: Apache-2.0 */
#include "resumable/resumable_routes.h"

#include "resumable/problem.h"
#include "resumable/resumable_api.h"
#include "web/cors.h"

static const stg_route_t routes[] = {
    {"POST", "", STG_GRANT_UPLOAD, stg_resumable_post},
    {"PUT", "", STG_GRANT_UPLOAD, stg_resumable_post},
    {"HEAD", "/{id}", STG_GRANT_SEE, stg_resumable_head},
    {"GET", "/{id}", STG_GRANT_SEE, stg_resumable_head},
    {"PATCH", "/{id}", STG_GRANT_UPLOAD, stg_resumable_patch},
    {"DELETE", "/{id}", STG_GRANT_DELETE, stg_resumable_remove},
    {NULL, NULL, STG_GRANT_NOBODY, NULL},
};

/* Spelled out: a star would be taken literally where credentials are sent. */
static const stg_cors_lists_t cors = {
    .methods = "POST, HEAD, PATCH, DELETE, GET, PUT, OPTIONS",
    .request_headers =
        "Authorization, Content-Type, Content-Disposition, Origin, "
        "X-Requested-With, X-Request-ID, X-HTTP-Method-Override, "
        "Tus-Resumable, Upload-Length, Upload-Offset, Upload-Metadata, "
        "Upload-Defer-Length, Upload-Concat, Upload-Checksum, "
        "Upload-Complete, Upload-Draft-Interop-Version, Content-Digest, "
        "Repr-Digest, Want-Content-Digest, Want-Repr-Digest, "
        "Idempotency-Key, Prefer, Incremental",
    .exposed_headers =
        "Location, Upload-Offset, Upload-Length, Upload-Metadata, "
        "Upload-Defer-Length, Upload-Concat, Upload-Expires, Tus-Version, "
        "Tus-Resumable, Tus-Max-Size, Tus-Extension, Tus-Checksum-Algorithm, "
        "Upload-Complete, Upload-Limit, Upload-Draft-Interop-Version, "
        "Content-Digest, Repr-Digest, Retry-After, Link",
};

const stg_api_t stg_resumable_api = {
    .name = "resumable",
    .handler = "staging-resumable",
    .routes = routes,
    .begin = stg_resumable_begin,
    .options = stg_resumable_options,
    .cors = &cors,
    .refuse = stg_problem_refuse,
};
