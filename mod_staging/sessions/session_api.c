/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/session_api.h"

#include "accounts/api_key.h"
#include "accounts/sign_in.h"
#include "auth/web_session.h"
#include "base/ids.h"
#include "sessions/session_json.h"
#include "sessions/sign_in_out.h"
#include "web/cookie.h"
#include "web/json_body.h"
#include "web/reply.h"

#include <http_protocol.h>

#include <string.h>

enum {
    BODY_MAX = 16 * 1024,
    BROWSER_BYTES = 32,
    BROWSER_SECONDS = 365 * 86400
};

/* By which a browser is known again that signed in before. It opens nothing. */
static const char browser_cookie[] = "staging-browser";

/* What a body of POST may hold: one of the three. */
typedef struct proof_t {
    const char *name;
    const char *password;
    const char *key;
    const char *link;
} proof_t;

static stg_error_t *answer(stg_request_t *req, int status)
{
    return stg_reply_json(req, status, stg_session_json(req));
}

/* A cookie that is worth nothing any more is the end of a session, not an
 * error. */
stg_error_t *stg_session_get(stg_request_t *req)
{
    stg_error_t *err = stg_who_authenticate(req);
    int has_old_cookie = err && err->code == STG_E_BAD_CREDENTIAL &&
                         req->credentials.session && !req->credentials.bearer;

    if (err && err->code != STG_E_NO_CREDENTIAL && !has_old_cookie)
        return err;
    if (has_old_cookie)
        stg_cookie_drop(req, STG_SESSION_COOKIE);
    return answer(req, HTTP_OK);
}

static stg_error_t *read_proof(proof_t *proof, stg_request_t *req)
{
    stg_fields_t *fields;
    int count;

    STG_TRY(stg_json_body(&fields, req, BODY_MAX));
    proof->name = stg_fields_text(fields, "name", STG_OPTIONAL);
    proof->password = stg_fields_text(fields, "password", STG_OPTIONAL);
    proof->key = stg_fields_text(fields, "key", STG_OPTIONAL);
    proof->link = stg_fields_text(fields, "link", STG_OPTIONAL);
    STG_TRY(stg_fields_check(fields, req->pool));
    count = !!proof->password + !!proof->key + !!proof->link;
    if (count != 1 || !proof->name != !proof->password)
        return stg_raise(req->pool, STG_E_INVALID,
                         "send either name and password, or key, or link");
    return STG_OK;
}

static stg_error_t *by_password(stg_request_t *req, const proof_t *proof)
{
    const char *kept = stg_cookie_get(req, browser_cookie);
    const stg_sign_in_t asked = {
        .name = proof->name,
        .password = proof->password,
        .address = req->r->useragent_ip,
        .browser = kept ? kept : stg_secret_create(BROWSER_BYTES, req->pool)};
    stg_principal_t *who;

    STG_TRY(stg_sign_in_password(&who, req->staging->db,
                                 req->process->passwords, &asked, req->pool));
    STG_TRY(stg_sign_in(req, who, "password", NULL));
    return kept ? STG_OK
                : stg_cookie_set(req, browser_cookie, asked.browser,
                                 BROWSER_SECONDS);
}

static stg_error_t *sign_in(stg_request_t *req, const proof_t *proof)
{
    stg_db_t *db = req->staging->db;
    stg_principal_t *who;

    if (proof->password)
        return by_password(req, proof);
    if (proof->link) {
        STG_TRY(stg_sign_in_link_redeem(&who, db, proof->link, req->pool));
        return stg_sign_in(req, who, "link", NULL);
    }
    STG_TRY(stg_who_by_key(&who, req, proof->key));
    return stg_sign_in(req, who, "key",
                       stg_api_key_is_ours(proof->key) ? proof->key : NULL);
}

stg_error_t *stg_session_post(stg_request_t *req)
{
    proof_t proof;

    STG_TRY(stg_who_check_origin(req));
    /* before a proof is used up for nothing */
    STG_TRY(stg_cookie_check(req));
    STG_TRY(read_proof(&proof, req));
    STG_TRY(sign_in(req, &proof));
    return answer(req, HTTP_CREATED);
}

stg_error_t *stg_session_remove(stg_request_t *req)
{
    STG_TRY(stg_who_check_origin(req));
    STG_TRY(stg_sign_out(req));
    stg_cookie_drop(req, STG_SESSION_COOKIE);
    return stg_reply_empty(req, HTTP_NO_CONTENT);
}

stg_error_t *stg_session_remove_all(stg_request_t *req)
{
    STG_TRY(
        stg_web_session_end_all(req->staging->db, req->principal, req->pool));
    stg_cookie_drop(req, STG_SESSION_COOKIE);
    return stg_reply_empty(req, HTTP_NO_CONTENT);
}
