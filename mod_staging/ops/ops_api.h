/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_OPS_OPS_API_H
#define STG_OPS_OPS_API_H

#include "web/request.h"

stg_error_t *stg_health_get(stg_request_t *req);

/* 200, or 503 with what does not answer. */
stg_error_t *stg_ready_get(stg_request_t *req);

stg_error_t *stg_metrics_get(stg_request_t *req);

#endif
