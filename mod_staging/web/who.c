/* SPDX-License-Identifier: Apache-2.0 */
#include "web/who.h"

#include "accounts/api_key.h"
#include "auth/iam.h"
#include "auth/jwt.h"
#include "web/refuse.h"
#include "web/web.h"

#include <ap_provider.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_auth.h>

#include <assert.h>
#include <string.h>

static stg_error_t *by_token(stg_request_t *req, const char *token)
{
    stg_principal_t *principal;

    STG_TRY(stg_jwt_verify(&principal, req->process->issuers, token,
                           strlen(token), req->pool));
    req->principal = principal;
    return STG_OK;
}

/* A key of an account of ours, or one that the IAM exchanges for a token. */
static stg_error_t *by_key(stg_request_t *req, const char *key)
{
    stg_principal_t *principal;

    if (stg_api_key_is_ours(key)) {
        STG_TRY(stg_api_key_find(&principal, req->process->api_keys,
                                 req->staging->db, key, req->pool));
        req->principal = principal;
        return STG_OK;
    }
    if (!req->process->iam)
        return stg_raise(req->pool, STG_E_BAD_CREDENTIAL,
                         "the key is not one of this service");
    STG_TRY(stg_iam_exchange(&principal, req->process->iam, key, req->pool));
    req->principal = principal;
    return STG_OK;
}

/* RFC 6750 has one carrier for whatever is a bearer credential. */
static stg_error_t *by_bearer(stg_request_t *req, const char *bearer)
{
    return stg_jwt_is_wellformed(bearer, strlen(bearer)) ? by_token(req, bearer)
                                                         : by_key(req, bearer);
}

/* The port counts: Host has it as the client knows it, unless it is the usual
 * one of the scheme, which is left out of both. */
static int is_own_origin(const request_rec *r, const char *origin)
{
    const char *host = apr_table_get(r->headers_in, "Host");

    return host && !strcasecmp(origin, apr_pstrcat(r->pool, ap_http_scheme(r),
                                                   "://", host, NULL));
}

/* A page of another origin may send our cookie, but must not change a thing
 * with it (Fetch metadata; Origin for browsers without it). */
static stg_error_t *by_cookie(stg_request_t *req, const char *cookie)
{
    const request_rec *r = req->r;
    const char *site = apr_table_get(r->headers_in, "Sec-Fetch-Site");
    const char *origin = apr_table_get(r->headers_in, "Origin");
    int is_safe = r->method_number == M_GET || r->method_number == M_OPTIONS;
    int is_same = site ? !strcmp(site, "same-origin") || !strcmp(site, "none")
                       : origin && is_own_origin(r, origin);

    if (!is_safe && !is_same)
        return stg_raise(req->pool, STG_E_FORBIDDEN,
                         "a cookie alone does not allow this from another "
                         "site");
    return by_token(req, cookie);
}

/* The cookie comes by itself, so it only counts where nothing else is shown. */
static stg_error_t *check_one(const stg_request_t *req)
{
    const stg_credentials_t *shown = &req->credentials;
    int count = !!shown->bearer + !!shown->key + !!shown->token;

    if (shown->is_repeated || count > 1)
        return stg_raise(req->pool, STG_E_INVALID,
                         "more than one credential was given: send exactly "
                         "one key or token");
    if ((shown->key || shown->token) && !req->policy->query_credentials)
        return stg_raise(req->pool, STG_E_INVALID,
                         "keys and tokens are not accepted in the query "
                         "here: send the header Authorization: Bearer");
    return STG_OK;
}

static stg_error_t *authenticate(stg_request_t *req)
{
    const stg_credentials_t *shown = &req->credentials;

    STG_TRY(check_one(req));
    if (shown->bearer)
        return by_bearer(req, shown->bearer);
    if (shown->key)
        return by_key(req, shown->key);
    if (shown->token)
        return by_token(req, shown->token);
    if (shown->cookie)
        return by_cookie(req, shown->cookie);
    if (req->policy->accept_user && req->r->user) {
        stg_principal_t *principal =
            stg_principal_create(STG_REALM_HTTPD, req->r->user, req->pool);

        principal->scopes = STG_SCOPE_READ | STG_SCOPE_WRITE;
        req->principal = principal;
        return STG_OK;
    }
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

stg_error_t *stg_who_authenticate(stg_request_t *req)
{
    const char *realms = req->policy->realms;

    if (req->principal)
        return STG_OK;
    STG_TRY(authenticate(req));
    assert(req->principal);
    if (!realms || has_word(realms, req->principal->realm))
        return STG_OK;
    req->principal = NULL;
    return stg_raise(req->pool, STG_E_BAD_CREDENTIAL,
                     "this key or token is not for this service");
}

stg_error_t *stg_who_check(stg_request_t *req, stg_grant_t grant)
{
    const stg_principal_t *principal = req->principal;
    unsigned int scope =
        grant == STG_GRANT_READ ? STG_SCOPE_READ : STG_SCOPE_WRITE;

    if (grant == STG_GRANT_NOBODY)
        return STG_OK;
    if (!principal)
        return stg_raise(req->pool, STG_E_NO_CREDENTIAL,
                         "a key or token is required");
    if (principal->scopes & scope)
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

static authz_status check_grant(request_rec *r, const char *line,
                                const void *parsed)
{
    const stg_grant_t *grant = parsed;
    stg_request_t *req;
    stg_error_t *err;

    (void)line;
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
