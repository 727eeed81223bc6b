/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_RESUMABLE_IETF_API_H
#define STG_RESUMABLE_IETF_API_H

#include "web/request.h"

/* draft-ietf-httpbis-resumable-upload, interop versions 6 to 9. */
stg_error_t *stg_ietf_create(stg_request_t *req);
stg_error_t *stg_ietf_state(stg_request_t *req);
stg_error_t *stg_ietf_append(stg_request_t *req);

#endif
