/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_UPLOADS_UPLOAD_API_H
#define STG_UPLOADS_UPLOAD_API_H

#include "base/json.h"
#include "uploads/upload.h"
#include "web/request.h"

/* The handlers; routes and grants are in uploads_routes.c. */
stg_error_t *stg_upload_post(stg_request_t *req);
stg_error_t *stg_upload_list(stg_request_t *req);
stg_error_t *stg_upload_get(stg_request_t *req);
stg_error_t *stg_upload_data(stg_request_t *req);
stg_error_t *stg_upload_events(stg_request_t *req);
stg_error_t *stg_upload_remove(stg_request_t *req);
stg_error_t *stg_upload_remove_all(stg_request_t *req);

/* An upload on the wire (spec/edi.md, A3): additive only. */
json_t *stg_upload_json(const stg_request_t *req, const stg_upload_t *upload,
                        apr_pool_t *p);

#endif
