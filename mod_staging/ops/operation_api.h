/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_OPS_OPERATION_API_H
#define STG_OPS_OPERATION_API_H

#include "web/request.h"

/* How the service does, and what an operator can do about it; routes and grants
 * are in ops_routes.c. */
stg_error_t *stg_operation_get(stg_request_t *req);
stg_error_t *stg_operation_history(stg_request_t *req);
stg_error_t *stg_operation_failures(stg_request_t *req);
stg_error_t *stg_operation_jobs(stg_request_t *req);
stg_error_t *stg_operation_retry(stg_request_t *req);

#endif
