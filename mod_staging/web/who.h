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
    STG_GRANT_SEE, /* read or upload: what is being uploaded */
    STG_GRANT_DELETE,
    STG_GRANT_UPLOAD,
    STG_GRANT_WATCH,  /* an operator who reads */
    STG_GRANT_OPERATE /* an operator who changes things */
} stg_grant_t;

/* Sets req->principal from the credentials shown, or from the user that
 * another module authenticated where the policy accepts that. NO_CREDENTIAL,
 * BAD_CREDENTIAL, IAM_DOWN, DB_DOWN; INVALID for two credentials. */
stg_error_t *stg_who_authenticate(stg_request_t *req);

/* Are principals of this realm accepted here (StagingRealms)? */
int stg_who_is_accepted(const stg_request_t *req, const char *realm);

/* Is there an IAM, and does it know principals who are accepted here? */
int stg_who_comes_by_iam(const stg_request_t *req);

/* The principal is the one of req from now on. BAD_CREDENTIAL if it is not
 * accepted here. */
stg_error_t *stg_who_accept(stg_request_t *req,
                            const stg_principal_t *principal);

/* Whose key or token it is, wherever it stood. As stg_who_authenticate(). */
stg_error_t *stg_who_by_key(stg_principal_t **principal, stg_request_t *req,
                            const char *key);
stg_error_t *stg_who_by_token(stg_principal_t **principal, stg_request_t *req,
                              const char *token);

/* FORBIDDEN if a browser says that a page of another origin asks (Fetch
 * metadata; Origin for browsers without it). Nobody says anything to a request
 * that comes from no browser. */
stg_error_t *stg_who_check_origin(const stg_request_t *req);

/* Of an account with that grant, or named by StagingOperators. */
int stg_who_is_operator(const stg_request_t *req);

/* FORBIDDEN, IAM_DOWN, NO_CREDENTIAL. */
stg_error_t *stg_who_check(stg_request_t *req, stg_grant_t grant);

void stg_who_hooks(apr_pool_t *p);

#endif
