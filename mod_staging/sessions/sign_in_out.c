/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/sign_in_out.h"

#include "auth/web_session.h"
#include "web/cookie.h"
#include "web/who.h"

/* A session that an attacker gave to the browser would be known to him (OWASP,
 * session fixation): none is ever gone on with. */
stg_error_t *stg_sign_in(stg_request_t *req, const stg_principal_t *who,
                         const char *how, const char *key)
{
    const stg_policy_t *policy = req->policy;
    const stg_web_session_spec_t spec = {.principal = who,
                                         .how = how,
                                         .key = key,
                                         .idle = policy->session_idle,
                                         .lifetime = policy->session_lifetime};
    stg_web_session_t *session;
    const char *cookie;

    STG_TRY(stg_who_accept(req, who));
    STG_TRY(stg_sign_out(req));
    STG_TRY(stg_web_session_add(&cookie, req->staging->db, &spec, req->pool));
    STG_TRY(
        stg_web_session_find(&session, req->staging->db, cookie, req->pool));
    STG_TRY(stg_cookie_set(req, STG_SESSION_COOKIE, cookie,
                           STG_COOKIE_UNTIL_CLOSED));
    req->session = session;
    /* Whether an account is an operator, only its row knows. */
    if (!session->principal->token)
        req->principal = session->principal;
    return STG_OK;
}

stg_error_t *stg_sign_out(stg_request_t *req)
{
    const char *cookie = req->credentials.session;

    req->session = NULL;
    return cookie ? stg_web_session_end(req->staging->db, cookie, req->pool)
                  : STG_OK;
}
