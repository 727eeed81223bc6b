/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_WEB_OVERRIDE_H
#define STG_WEB_OVERRIDE_H

#include "web/request.h"

/* X-HTTP-Method-Override: what a POST is meant to be where PATCH and DELETE do
 * not get through; for an API's begin. Changes method and method_number of
 * req->r. The answer to one that means HEAD still is framed as that to a POST,
 * which the client waits for. INVALID but for PATCH, DELETE and HEAD. */
stg_error_t *stg_override_method(stg_request_t *req);

#endif
