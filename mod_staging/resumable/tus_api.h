/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_RESUMABLE_TUS_API_H
#define STG_RESUMABLE_TUS_API_H

#include "web/request.h"

/* tus 1.0.0 with the extensions creation, creation-with-upload,
 * creation-defer-length, expiration, checksum, checksum-trailer, termination
 * and concatenation. */
stg_error_t *stg_tus_create(stg_request_t *req);
stg_error_t *stg_tus_state(stg_request_t *req);
stg_error_t *stg_tus_append(stg_request_t *req);

/* What of it is spoken here, for OPTIONS. */
void stg_tus_announce(const stg_request_t *req);

#endif
