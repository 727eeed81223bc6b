/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/iam.h"
#include "auth/answer_cache.h"
#include "auth/peer_url.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"

#include <apr_strings.h>

#include <string.h>

enum {
    CONNECT_SECONDS = 5,
    TOTAL_SECONDS = 10,
    ATTEMPTS = 2,
    RETRY_AFTER_SECONDS = 10,
    ALLOWED_SECONDS = 60,
    DENIED_SECONDS = 5,
    TOKEN_SECONDS = 300,
    TOKEN_MARGIN_SECONDS = 60,
    KEY_MAX_BYTES = 1024,
    ANSWER_MAX_BYTES = 64 * 1024
};

struct stg_iam_t {
    const stg_iam_config_t *config;
    stg_issuers_t *issuers;
    stg_http_client_t *http;
    stg_answer_cache_t *keys;   /* key -> its token */
    stg_answer_cache_t *grants; /* owner, resource, permission */
};

/* spec/edi.md, 2.8 */
const char *const stg_iam_providers[] = {"google", "github", "microsoft",
                                         "orcid", NULL};

stg_error_t *stg_iam_parse(stg_iam_config_t **config, const char *const *words,
                           int count, apr_pool_t *p)
{
    stg_iam_config_t *made = apr_pcalloc(p, sizeof(*made));
    apr_size_t length;

    if (count < 1 || count > 2)
        return stg_raise(p, STG_E_INVALID, "use StagingIAM URL [ca=FILE]");
    if (!stg_peer_url_is_safe(words[0]) || strpbrk(words[0], "?#"))
        return stg_raise(p, STG_E_INVALID,
                         "the IAM must be an https URL without a query");
    length = strlen(words[0]);
    while (words[0][length - 1] == '/')
        length--;
    made->url = apr_pstrmemdup(p, words[0], length);
    if (count == 2) {
        if (strncmp(words[1], "ca=", 3) != 0 || !words[1][3])
            return stg_raise(p, STG_E_INVALID, "the IAM has no option \"%s\"",
                             words[1]);
        made->ca_file = apr_pstrdup(p, words[1] + 3);
    }
    *config = made;
    return STG_OK;
}

stg_iam_t *stg_iam_create(const stg_iam_config_t *config,
                          stg_issuers_t *issuers, stg_http_client_t *http,
                          apr_pool_t *p)
{
    stg_iam_t *iam = apr_palloc(p, sizeof(*iam));

    iam->config = config;
    iam->issuers = issuers;
    iam->http = http;
    iam->keys = stg_answer_cache_create(p);
    iam->grants = stg_answer_cache_create(p);
    return iam;
}

static stg_error_t *is_down(apr_pool_t *p, const char *why)
{
    stg_error_t *err = stg_raise(p, STG_E_IAM_DOWN,
                                 "the identity service cannot be asked at "
                                 "present; try again later");

    err->retry_after = RETRY_AFTER_SECONDS;
    return stg_because(err, p, "%s", why);
}

/* One call, and once more if it got no answer and there is time left: a dead
 * kept-alive connection is common, an IAM that hangs is not asked twice. */
static stg_error_t *call(stg_http_response_t **response, const stg_iam_t *iam,
                         stg_http_request_t *request, apr_pool_t *p)
{
    apr_time_t deadline =
        stg_clock_monotonic() + apr_time_from_sec(TOTAL_SECONDS);
    stg_error_t *err = STG_OK;

    request->ca_file = iam->config->ca_file;
    for (int i = 0; i < ATTEMPTS; i++) {
        apr_interval_time_t left = deadline - stg_clock_monotonic();

        if (left < apr_time_from_sec(1))
            break;
        request->timeout = left;
        request->connect_timeout = left < apr_time_from_sec(CONNECT_SECONDS)
                                       ? left
                                       : apr_time_from_sec(CONNECT_SECONDS);
        err = stg_http_call(response, iam->http, request, NULL,
                            ANSWER_MAX_BYTES, p);
        if (!err)
            return STG_OK;
        if (err->code != STG_E_STORE_DOWN)
            break;
    }
    return is_down(p, stg_error_text(err, p));
}

static apr_table_t *headers_create(apr_pool_t *p)
{
    apr_table_t *headers = apr_table_make(p, 3);

    apr_table_setn(headers, "Accept", "application/json");
    return headers;
}

/* POST /auth/v1/key. A key goes into the body only: in a query the IAM would
 * take it for somebody signing in. */
static stg_error_t *ask_for_token(const char **token, const stg_iam_t *iam,
                                  const char *key, apr_pool_t *p)
{
    apr_table_t *headers = headers_create(p);
    stg_http_request_t request = {.method = "POST", .headers = headers};
    json_t *question = stg_json_object(p);
    stg_http_response_t *response;
    json_t *answer;

    stg_json_put_text(question, "key", key);
    request.url = apr_pstrcat(p, iam->config->url, "/auth/v1/key", NULL);
    request.body = stg_json_dump(question, p);
    request.body_size = (apr_off_t)strlen(request.body);
    apr_table_setn(headers, "Content-Type", "application/json");
    STG_TRY(call(&response, iam, &request, p));
    if (response->status == 401)
        return stg_raise(p, STG_E_BAD_CREDENTIAL,
                         "the API key is not known or has expired");
    if (response->status != 200)
        return is_down(
            p, apr_psprintf(p, "key exchange: status %d", response->status));
    if (stg_json_parse(&answer, response->body, response->body_size,
                       ANSWER_MAX_BYTES, p))
        return is_down(p, "key exchange: the answer is not JSON");
    *token = json_string_value(json_object_get(answer, "edi-token"));
    return *token ? STG_OK : is_down(p, "key exchange: no edi-token");
}

static void keep_token(stg_iam_t *iam, const stg_question_t *question,
                       const stg_principal_t *principal)
{
    apr_time_t now = stg_clock_now();
    apr_time_t until =
        principal->expires - apr_time_from_sec(TOKEN_MARGIN_SECONDS);

    if (until > now + apr_time_from_sec(TOKEN_SECONDS))
        until = now + apr_time_from_sec(TOKEN_SECONDS);
    if (until > now)
        stg_answer_put(iam->keys, question, STG_ALLOWED, principal->token,
                       until);
}

stg_error_t *stg_iam_exchange(stg_principal_t **principal, stg_iam_t *iam,
                              const char *key, apr_pool_t *p)
{
    stg_question_t question = stg_question_of(key, NULL);
    stg_principal_t *made;
    const char *token;
    stg_error_t *err;

    if (!*key || strlen(key) > KEY_MAX_BYTES ||
        !stg_utf8_is_valid(key, strlen(key), NULL))
        return stg_raise(p, STG_E_BAD_CREDENTIAL, "this is not an API key");
    if (stg_answer_get(&token, iam->keys, &question, p) == STG_ALLOWED)
        return stg_jwt_verify(principal, iam->issuers, token, strlen(token), p);
    STG_TRY(ask_for_token(&token, iam, key, p));
    err = stg_jwt_verify(&made, iam->issuers, token, strlen(token), p);
    if (err)
        return stg_because(err, p, "the token that the IAM gave for a key");
    keep_token(iam, &question, made);
    *principal = made;
    return STG_OK;
}

static const char *grant_url(const stg_iam_t *iam, const char *resource,
                             const char *permission, apr_pool_t *p)
{
    return apr_pstrcat(p, iam->config->url, "/auth/v1/authorized?resource_key=",
                       stg_percent_encode(resource, NULL, p),
                       "&permission=", stg_percent_encode(permission, NULL, p),
                       NULL);
}

/* GET /auth/v1/authorized; the body of the answer adds nothing. */
static stg_error_t *ask_for_grant(stg_answer_t *answer, const stg_iam_t *iam,
                                  const char *token, const char *url,
                                  apr_pool_t *p)
{
    apr_table_t *headers = headers_create(p);
    stg_http_request_t request = {
        .method = "GET", .headers = headers, .url = url};
    stg_http_response_t *response;

    /* Nothing but a token may get into a Cookie header. */
    if (!token || !stg_jwt_is_wellformed(token, strlen(token)))
        return stg_raise(p, STG_E_BAD_CREDENTIAL, "the token is not a JWT");
    apr_table_setn(headers, "Cookie",
                   apr_pstrcat(p, "edi-token=", token, NULL));
    STG_TRY(call(&response, iam, &request, p));
    switch (response->status) {
    case 200:
        *answer = STG_ALLOWED;
        return STG_OK;
    case 401:
        return stg_raise(p, STG_E_BAD_CREDENTIAL,
                         "the identity service does not accept the token");
    case 404:
        /* The client is not to blame and not told: the administrator is. */
        stg_log(STG_LOG_ERROR, "the IAM does not know the resource in %s", url);
        *answer = STG_DENIED;
        return STG_OK;
    case 403:
        *answer = STG_DENIED;
        return STG_OK;
    default:
        return is_down(p,
                       apr_psprintf(p, "grant: status %d", response->status));
    }
}

static void keep_grant(stg_iam_t *iam, const stg_question_t *question,
                       stg_answer_t answer)
{
    int seconds = answer == STG_ALLOWED ? ALLOWED_SECONDS : DENIED_SECONDS;

    stg_answer_put(iam->grants, question, answer, NULL,
                   stg_clock_now() + apr_time_from_sec(seconds));
}

stg_error_t *stg_iam_authorize(stg_iam_t *iam, const stg_principal_t *principal,
                               const char *resource, const char *permission,
                               apr_pool_t *p)
{
    stg_question_t question =
        stg_question_of(principal->owner, resource, permission, NULL);
    stg_answer_t answer = stg_answer_get(NULL, iam->grants, &question, p);

    if (answer == STG_UNKNOWN) {
        STG_TRY(ask_for_grant(&answer, iam, principal->token,
                              grant_url(iam, resource, permission, p), p));
        keep_grant(iam, &question, answer);
    }
    if (answer == STG_ALLOWED)
        return STG_OK;
    return stg_raise(p, STG_E_FORBIDDEN, "you are not granted %s on %s",
                     permission, resource);
}

stg_error_t *stg_iam_sign_in_url(const char **url, const stg_iam_t *iam,
                                 const char *provider, const char *target,
                                 apr_pool_t *p)
{
    for (const char *const *known = stg_iam_providers; *known; known++) {
        if (strcmp(*known, provider) != 0)
            continue;
        *url =
            apr_pstrcat(p, iam->config->url, "/auth/login/", provider,
                        "?target=", stg_percent_encode(target, NULL, p), NULL);
        return STG_OK;
    }
    return stg_raise(p, STG_E_INVALID, "there is no such provider");
}
