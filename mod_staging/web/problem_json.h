/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_WEB_PROBLEM_JSON_H
#define STG_WEB_PROBLEM_JSON_H

#include "base/json.h"
#include "web/request.h"

/* Errors as problem details (RFC 9457), for APIs that have them. */

/* The document on err, which is NULL for what httpd itself refused. title may
 * be NULL: it is that of the status. */
json_t *stg_problem_json(const stg_request_t *req, const stg_error_t *err,
                         const char *type, const char *title);

/* The fields of err that are wrong, as a list. */
json_t *stg_problem_fields_json(const stg_error_t *err, apr_pool_t *p);

/* The body of an answer to an error without a type of its own, as stg_api_t
 * wants it. */
const char *stg_problem_json_refuse(stg_request_t *req, const stg_error_t *err,
                                    const char **content_type);

#endif
