/* SPDX-License-Identifier: Apache-2.0 */
#include "web/who.h"

#include "accounts/api_key.h"
#include "auth/iam.h"
#include "auth/jwt.h"
#include "auth/web_session.h"
#include "web/cors.h"
#include "web/refuse.h"
#include "web/route.h"
#include "web/web.h"

#include <ap_provider.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_auth.h>

#include <assert.h>
#include <string.h>

stg_error_t *stg_who_by_token(stg_principal_t **principal, stg_request_t *req,
                              const char *token)
{
    return stg_jwt_verify(principal, req->process->issuers, token,
                          strlen(token), req->pool);
}

/* A key of an account of ours, or one that the IAM exchanges for a token. */
stg_error_t *stg_who_by_key(stg_principal_t **principal, stg_request_t *req,
                            const char *key)
{
    if (stg_api_key_is_ours(key))
        return stg_api_key_find(principal, req->process->api_keys,
                                req->staging->db, key, req->pool);
    if (!req->process->iam)
        return stg_raise(req->pool, STG_E_BAD_CREDENTIAL,
                         "the key is not one of this service");
    return stg_iam_exchange(principal, req->process->iam, key, req->pool);
}

/* RFC 6750 has one carrier for whatever is a bearer credential. */
static stg_error_t *by_bearer(stg_principal_t **principal, stg_request_t *req,
                              const char *bearer)
{
    return stg_jwt_is_wellformed(bearer, strlen(bearer))
               ? stg_who_by_token(principal, req, bearer)
               : stg_who_by_key(principal, req, bearer);
}

/* The port counts: Host has it as the client knows it, unless it is the usual
 * one of the scheme, which is left out of both. */
static int is_own_origin(const request_rec *r, const char *origin)
{
    const char *host = apr_table_get(r->headers_in, "Host");

    return host && !strcasecmp(origin, apr_pstrcat(r->pool, ap_http_scheme(r),
                                                   "://", host, NULL));
}

/* Where a request comes from, as far as a browser tells. */
typedef enum source_t { UNKNOWN, OWN_PAGE, OTHER_PAGE } source_t;

static source_t source_of(const stg_request_t *req)
{
    const request_rec *r = req->r;
    const char *site = apr_table_get(r->headers_in, "Sec-Fetch-Site");
    const char *origin = apr_table_get(r->headers_in, "Origin");
    int is_own = site ? !strcmp(site, "same-origin")
                      : origin && is_own_origin(r, origin);

    if (!site && !origin)
        return UNKNOWN;
    return is_own || stg_cors_is_trusted(req) ? OWN_PAGE : OTHER_PAGE;
}

stg_error_t *stg_who_check_origin(const stg_request_t *req)
{
    if (source_of(req) != OTHER_PAGE)
        return STG_OK;
    return stg_raise(req->pool, STG_E_FORBIDDEN,
                     "this is not for pages of other sites");
}

static int is_reading(const stg_request_t *req)
{
    int method = req->r->method_number;

    return method == M_GET || method == M_OPTIONS;
}

/* A page of another origin may send our cookie, but must not change a thing
 * with it. */
static stg_error_t *check_cookie(const stg_request_t *req)
{
    if (is_reading(req) || source_of(req) == OWN_PAGE)
        return STG_OK;
    return stg_raise(req->pool, STG_E_FORBIDDEN,
                     "a cookie alone does not allow this from another site");
}

static stg_error_t *by_cookie(stg_principal_t **principal, stg_request_t *req,
                              const char *cookie)
{
    STG_TRY(check_cookie(req));
    return stg_who_by_token(principal, req, cookie);
}

/* A token is verified each time, as if the browser had shown it. */
static stg_error_t *by_session(stg_principal_t **principal, stg_request_t *req,
                               const char *cookie)
{
    stg_web_session_t *session;

    STG_TRY(check_cookie(req));
    STG_TRY(
        stg_web_session_find(&session, req->staging->db, cookie, req->pool));
    *principal = session->principal;
    if (session->principal->token)
        STG_TRY(stg_who_by_token(principal, req, session->principal->token));
    req->session = session;
    return STG_OK;
}

/* Passwords, tickets of Kerberos and certificates too are shown by a browser
 * itself, whatever page asks; a program that shows one names no page. */
static stg_error_t *by_user(stg_principal_t **principal, stg_request_t *req)
{
    if (!is_reading(req))
        STG_TRY(stg_who_check_origin(req));
    *principal = stg_principal_create(STG_REALM_HTTPD, req->r->user, req->pool);
    (*principal)->scopes = STG_SCOPE_READ | STG_SCOPE_WRITE;
    return STG_OK;
}

/* A cookie comes by itself, so it only counts where nothing else is shown. */
static stg_error_t *check_one(const stg_request_t *req)
{
    const stg_credentials_t *shown = &req->credentials;
    int count = !!shown->bearer + !!shown->key + !!shown->token;

    if (shown->is_repeated || count > 1 ||
        (!count && shown->cookie && shown->session))
        return stg_raise(req->pool, STG_E_INVALID,
                         "more than one credential was given: send exactly "
                         "one key or token");
    if ((shown->key || shown->token) && !req->policy->query_credentials)
        return stg_raise(req->pool, STG_E_INVALID,
                         "keys and tokens are not accepted in the query "
                         "here: send the header Authorization: Bearer");
    return STG_OK;
}

static stg_error_t *authenticate(stg_principal_t **principal,
                                 stg_request_t *req)
{
    const stg_credentials_t *shown = &req->credentials;

    STG_TRY(check_one(req));
    if (shown->bearer)
        return by_bearer(principal, req, shown->bearer);
    if (shown->key)
        return stg_who_by_key(principal, req, shown->key);
    if (shown->token)
        return stg_who_by_token(principal, req, shown->token);
    if (shown->session)
        return by_session(principal, req, shown->session);
    if (shown->cookie)
        return by_cookie(principal, req, shown->cookie);
    if (req->policy->accept_user && req->r->user)
        return by_user(principal, req);
    return stg_raise(req->pool, STG_E_NO_CREDENTIAL,
                     "a key or token is required");
}

static int has_word(const char *words, const char *word)
{
    apr_size_t length = strlen(word);

    for (const char *at = words; at; at = strchr(at, ' ')) {
        at += *at == ' ';
        if (!strncmp(at, word, length) && (!at[length] || at[length] == ' '))
            return 1;
    }
    return 0;
}

int stg_who_is_accepted(const stg_request_t *req, const char *realm)
{
    const char *realms = req->policy->realms;

    return !realms || has_word(realms, realm);
}

static int is_realm_accepted(const void *req, const char *realm)
{
    return stg_who_is_accepted(req, realm);
}

int stg_who_comes_by_iam(const stg_request_t *req)
{
    return req->process->iam && stg_issuers_any_of_iam(req->process->issuers,
                                                       is_realm_accepted, req);
}

stg_error_t *stg_who_accept(stg_request_t *req,
                            const stg_principal_t *principal)
{
    if (!stg_who_is_accepted(req, principal->realm))
        return stg_raise(req->pool, STG_E_BAD_CREDENTIAL,
                         "this key or token is not for this service");
    req->principal = principal;
    return STG_OK;
}

stg_error_t *stg_who_authenticate(stg_request_t *req)
{
    stg_principal_t *principal = NULL;

    if (req->principal)
        return STG_OK;
    STG_TRY(authenticate(&principal, req));
    assert(principal);
    return stg_who_accept(req, principal);
}

int stg_who_is_operator(const stg_request_t *req)
{
    const stg_principal_t *principal = req->principal;
    const char *operators = req->policy->operators;

    return principal->is_operator ||
           (operators && (has_word(operators, principal->realm) ||
                          has_word(operators, principal->owner)));
}

static unsigned int scopes_for(stg_grant_t grant)
{
    switch (grant) {
    case STG_GRANT_READ:
    case STG_GRANT_WATCH:
        return STG_SCOPE_READ;
    case STG_GRANT_SEE:
        return STG_SCOPE_READ | STG_SCOPE_WRITE;
    default:
        return STG_SCOPE_WRITE;
    }
}

stg_error_t *stg_who_check(stg_request_t *req, stg_grant_t grant)
{
    const stg_principal_t *principal = req->principal;

    if (grant == STG_GRANT_NOBODY)
        return STG_OK;
    if (!principal)
        return stg_raise(req->pool, STG_E_NO_CREDENTIAL,
                         "a key or token is required");
    if ((grant == STG_GRANT_WATCH || grant == STG_GRANT_OPERATE) &&
        !stg_who_is_operator(req))
        return stg_raise(req->pool, STG_E_FORBIDDEN,
                         "this is for operators of the service");
    if (principal->scopes & scopes_for(grant))
        return STG_OK;
    if (!(principal->scopes & STG_SCOPE_ASK_IAM))
        return stg_raise(req->pool, STG_E_FORBIDDEN,
                         "this key or token does not allow that");
    /* spec/edi.md, 1.1: the IAM guards uploading, nothing else */
    if (grant != STG_GRANT_UPLOAD)
        return STG_OK;
    if (!req->process->iam)
        return stg_because(stg_raise(req->pool, STG_E_FORBIDDEN,
                                     "this token does not allow uploading"),
                           req->pool, "no StagingIAM is configured");
    return stg_iam_authorize(req->process->iam, principal,
                             req->policy->iam_resource, "write", req->pool);
}

static int check_authn(request_rec *r)
{
    const char *type = ap_auth_type(r);
    stg_request_t *req;
    stg_error_t *err;

    if (!type || strcasecmp(type, "Staging"))
        return DECLINED;
    req = stg_request_make(r);
    err = stg_request_open(req);
    if (!err)
        err = stg_who_authenticate(req);
    if (err)
        return stg_refuse(req, err);
    r->user = apr_pstrdup(r->pool, req->principal->owner);
    r->ap_auth_type = apr_pstrdup(r->pool, "Staging");
    return OK;
}

/* A browser asks before it shows a credential. */
static int is_preflight(request_rec *r)
{
    const stg_request_t *req =
        r->method_number == M_OPTIONS ? stg_request_get(r) : NULL;
    const stg_api_t *api = req ? stg_route_api(req) : NULL;

    return api && (api->options || api->cors);
}

static authz_status check_grant(request_rec *r, const char *line,
                                const void *parsed)
{
    const stg_grant_t *grant = parsed;
    stg_request_t *req;
    stg_error_t *err;

    (void)line;
    if (is_preflight(r))
        return AUTHZ_GRANTED;
    if (!r->user)
        return AUTHZ_DENIED_NO_USER;
    req = stg_request_make(r);
    err = stg_request_open(req);
    if (!err)
        err = stg_who_authenticate(req);
    if (!err)
        err = stg_who_check(req, *grant);
    if (err)
        stg_refuse(req, err);
    return err ? AUTHZ_DENIED : AUTHZ_GRANTED;
}

static const char *parse_grant(cmd_parms *cmd, const char *line,
                               const void **parsed)
{
    stg_grant_t *grant = apr_palloc(cmd->pool, sizeof(*grant));

    *grant = !strcasecmp(line, "read")     ? STG_GRANT_READ
             : !strcasecmp(line, "delete") ? STG_GRANT_DELETE
             : !strcasecmp(line, "upload") ? STG_GRANT_UPLOAD
                                           : STG_GRANT_NOBODY;
    *parsed = grant;
    return *grant == STG_GRANT_NOBODY
               ? "Require staging-grant wants read, delete or upload"
               : NULL;
}

void stg_who_hooks(apr_pool_t *p)
{
    static const authz_provider grant = {check_grant, parse_grant};

    ap_hook_check_authn(check_authn, NULL, NULL, APR_HOOK_MIDDLE,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_register_auth_provider(p, AUTHZ_PROVIDER_GROUP, "staging-grant",
                              AUTHZ_PROVIDER_VERSION, &grant,
                              AP_AUTH_INTERNAL_PER_CONF);
}
