/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_SESSIONS_SIGN_IN_OUT_H
#define STG_SESSIONS_SIGN_IN_OUT_H

#include "web/request.h"

/* A new session for a principal who has just proved to be one, with a new
 * cookie; the one that the browser had ends. how is as in auth/web_session.h,
 * key the key of an account that was the proof, or NULL. BAD_CREDENTIAL if this
 * principal is not accepted here, FORBIDDEN where no cookie is safe. */
stg_error_t *stg_sign_in(stg_request_t *req, const struct stg_principal_t *who,
                         const char *how, const char *key);

/* The session of the request ends, if there is one. */
stg_error_t *stg_sign_out(stg_request_t *req);

#endif
