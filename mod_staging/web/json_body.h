/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_WEB_JSON_BODY_H
#define STG_WEB_JSON_BODY_H

#include "base/json.h"
#include "web/request.h"

/* The body of a request as one JSON document of at most max bytes, for its
 * fields to be read. application/json only, which no form of another site can
 * send: BAD_MEDIA_TYPE; TOO_LARGE, INVALID, or as stg_body_pump(). */
stg_error_t *stg_json_body(stg_fields_t **fields, stg_request_t *req,
                           apr_size_t max);

#endif
