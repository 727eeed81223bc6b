/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_WEB_WHO_H
#define STG_WEB_WHO_H

#include "auth/principal.h"
#include "web/request.h"

/*
 * Who is asking, and may they: AuthType Staging as an httpd authentication
 * hook, and `Require staging-grant read|delete|upload` for other handlers.
 * Our own handlers check the grant of their route themselves, so that a
 * refusal has the status that the API promises.
 */

typedef enum stg_grant_t {
    STG_GRANT_NOBODY, /* the route needs no principal */
    STG_GRANT_READ,
    STG_GRANT_DELETE,
    STG_GRANT_UPLOAD
} stg_grant_t;

/* Sets req->principal from the credentials shown, or from the user that
 * another module authenticated where the policy accepts that. NO_CREDENTIAL,
 * BAD_CREDENTIAL, IAM_DOWN, DB_DOWN; INVALID for two credentials. */
stg_error_t *stg_who_authenticate(stg_request_t *req);

/* FORBIDDEN, IAM_DOWN, NO_CREDENTIAL. */
stg_error_t *stg_who_check(stg_request_t *req, stg_grant_t grant);

void stg_who_hooks(apr_pool_t *p);

#endif
