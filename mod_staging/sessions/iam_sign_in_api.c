/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/iam_sign_in_api.h"

#include "auth/iam.h"
#include "base/ids.h"
#include "sessions/sign_in_out.h"
#include "web/cookie.h"
#include "web/refuse.h"
#include "web/reply.h"

#include <apr_strings.h>
#include <http_protocol.h>

/* The browser that comes back must be the one that was sent, or an attacker
 * could sign it in as himself with a link (RFC 9700, 4.7). The IAM replaces the
 * query of the URL that it sends back to, so the state stands in the path. */
static const char state_cookie[] = "staging-iam";
enum { STATE_SECONDS = 600 };

static const char *return_url(const stg_request_t *req, const char *state)
{
    const char *base = req->policy->base_url;

    if (!base)
        base = apr_pstrcat(req->pool, ap_http_scheme(req->r), "://",
                           apr_table_get(req->r->headers_in, "Host"), NULL);
    return apr_pstrcat(req->pool, base, req->policy->mount, "/", state,
                       "/return", NULL);
}

stg_error_t *stg_iam_sign_in_get(stg_request_t *req)
{
    const char *state = stg_uuid_create(req->pool);
    const char *provider, *url;

    STG_TRY(stg_who_check_origin(req));
    if (!stg_who_comes_by_iam(req))
        return stg_raise(req->pool, STG_E_NOT_FOUND,
                         "nobody signs in through an IAM here");
    STG_TRY(stg_request_parameter(&provider, req, "provider"));
    STG_TRY(stg_iam_sign_in_url(&url, req->process->iam,
                                provider ? provider : "",
                                return_url(req, state), req->pool));
    STG_TRY(stg_cookie_set(req, state_cookie, state, STATE_SECONDS));
    return stg_reply_redirect(req, HTTP_SEE_OTHER, url);
}

static stg_error_t *take_token(stg_request_t *req)
{
    const char *state = stg_cookie_get(req, state_cookie);
    const char *token = req->credentials.returned;
    stg_principal_t *who;

    if (!state || !stg_secret_equal(state, req->target) || !token ||
        req->credentials.is_repeated)
        return stg_raise(req->pool, STG_E_BAD_CREDENTIAL,
                         "this is not how the IAM sends back");
    STG_TRY(stg_who_by_token(&who, req, token));
    return stg_sign_in(req, who, "iam", NULL);
}

/* Behind the dashboard's path. Failed is what may go well at another time. */
static const char *outcome(const stg_error_t *err)
{
    if (!err)
        return "";
    return stg_code_status(err->code) < HTTP_INTERNAL_SERVER_ERROR
               ? "#sign-in=refused"
               : "#sign-in=failed";
}

/* People see what comes of it in the dashboard, not here, where the token
 * stands in the address. */
stg_error_t *stg_iam_sign_in_return(stg_request_t *req)
{
    const stg_error_t *err = take_token(req);

    if (err)
        stg_refuse_log(req, err);
    stg_cookie_drop(req, state_cookie);
    return stg_reply_redirect(req, HTTP_SEE_OTHER,
                              apr_pstrcat(req->pool,
                                          req->policy->dashboard_path,
                                          outcome(err), NULL));
}
