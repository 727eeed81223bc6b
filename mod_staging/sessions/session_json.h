/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_SESSIONS_SESSION_JSON_H
#define STG_SESSIONS_SESSION_JSON_H

#include "base/json.h"
#include "web/request.h"

/* The representation of a session: whose it is, null for nobody, and what is
 * the same for everybody. */
json_t *stg_session_json(stg_request_t *req);

#endif
