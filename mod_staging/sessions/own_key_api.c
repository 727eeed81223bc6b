/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/own_key_api.h"

#include "accounts/api_key.h"
#include "auth/web_session.h"
#include "base/clock.h"
#include "web/json_body.h"
#include "web/reply.h"

#include <apr_strings.h>
#include <http_protocol.h>

#include <string.h>

enum {
    BODY_MAX = 16 * 1024,
    MOST_DAYS = 3650,
    MOST_KEYS = 100,
    DAY_SECONDS = 86400
};

static stg_error_t *check_account(const stg_request_t *req)
{
    if (!strcmp(req->principal->realm, STG_REALM_ACCOUNT))
        return STG_OK;
    return stg_raise(req->pool, STG_E_FORBIDDEN,
                     "only accounts of this service have keys of it");
}

static stg_error_t *check_person(const stg_request_t *req)
{
    const char *how = req->session ? req->session->how : "";

    STG_TRY(check_account(req));
    if (!strcmp(how, "password") || !strcmp(how, "link"))
        return STG_OK;
    return stg_raise(req->pool, STG_E_FORBIDDEN,
                     "a key does not change keys: sign in with a password or "
                     "a link");
}

static json_t *scopes_json(const char *scopes, apr_pool_t *p)
{
    json_t *list = stg_json_own(json_array(), p);
    char *rest = apr_pstrdup(p, scopes);
    char *name = apr_strtok(rest, ",", &rest);

    for (; name; name = apr_strtok(NULL, ",", &rest))
        json_array_append_new(list, json_string(name));
    return list;
}

static json_t *key_json(const stg_api_key_t *key, apr_pool_t *p)
{
    json_t *json = stg_json_object(p);

    stg_json_put_text(json, "id", key->id);
    stg_json_put_text(json, "hint", key->hint);
    stg_json_put_text(json, "label", key->label);
    json_object_set(json, "scopes", scopes_json(key->scopes, p));
    stg_json_put_text(json, "status", key->status);
    stg_json_put_time(json, "created", key->created, p);
    stg_json_put_time(json, "expires", key->expires, p);
    stg_json_put_time(json, "revoked", key->revoked, p);
    stg_json_put_time(json, "last_used", key->last_used, p);
    return json;
}

/* An account has its name for ever, and no other has it. */
static stg_error_t *find_keys(apr_array_header_t **keys, stg_request_t *req)
{
    return stg_api_key_list(keys, req->staging->db, req->principal->name,
                            req->pool);
}

stg_error_t *stg_own_key_list(stg_request_t *req)
{
    json_t *list = stg_json_own(json_array(), req->pool);
    apr_array_header_t *keys;

    STG_TRY(check_account(req));
    STG_TRY(find_keys(&keys, req));
    for (int i = 0; i < keys->nelts; i++)
        json_array_append(
            list, key_json(&APR_ARRAY_IDX(keys, i, stg_api_key_t), req->pool));
    return stg_reply_json(req, HTTP_OK, list);
}

static unsigned int read_scopes(stg_fields_t *fields)
{
    const json_t *list = stg_fields_array(fields, "scopes", STG_REQUIRED);
    unsigned int scopes = 0;
    size_t count = json_array_size(list);

    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        unsigned int scope = !text                    ? 0
                             : !strcmp(text, "read")  ? STG_SCOPE_READ
                             : !strcmp(text, "write") ? STG_SCOPE_WRITE
                                                      : 0;

        if (!scope)
            count = 0;
        scopes = count ? scopes | scope : 0;
    }
    if (list && !scopes)
        stg_fields_problem(fields, "scopes", "must be read, write or both");
    return scopes;
}

static stg_error_t *read_spec(stg_api_key_spec_t *spec, stg_request_t *req)
{
    apr_int64_t days = 0;
    stg_fields_t *fields;

    STG_TRY(stg_json_body(&fields, req, BODY_MAX));
    spec->label = stg_fields_text(fields, "label", STG_REQUIRED);
    spec->scopes = read_scopes(fields);
    if (stg_fields_int(&days, fields, "expires_days", STG_OPTIONAL) &&
        (days < 1 || days > MOST_DAYS))
        stg_fields_problem(fields, "expires_days", "must be from 1 to 3650");
    spec->lifetime = days * DAY_SECONDS;
    spec->account = req->principal->name;
    return stg_fields_check(fields, req->pool);
}

/* A session that fell into wrong hands fills no database. */
static stg_error_t *check_count(stg_request_t *req)
{
    apr_time_t yesterday = stg_clock_now() - apr_time_from_sec(DAY_SECONDS);
    apr_array_header_t *keys;
    int count = 0;

    STG_TRY(find_keys(&keys, req));
    for (int i = 0; i < keys->nelts; i++) {
        const stg_api_key_t *key = &APR_ARRAY_IDX(keys, i, stg_api_key_t);

        count += key->created > yesterday || !strcmp(key->status, "active");
    }
    if (count < MOST_KEYS)
        return STG_OK;
    return stg_raise(req->pool, STG_E_CONFLICT,
                     "there are %d keys that are good or of today: that is "
                     "enough",
                     count);
}

stg_error_t *stg_own_key_post(stg_request_t *req)
{
    stg_api_key_spec_t spec;
    apr_array_header_t *keys;
    const char *id, *text;

    STG_TRY(check_person(req));
    STG_TRY(read_spec(&spec, req));
    STG_TRY(check_count(req));
    STG_TRY(stg_api_key_add(&id, &text, req->staging->db, &spec, req->pool));
    STG_TRY(find_keys(&keys, req));
    for (int i = 0; i < keys->nelts; i++) {
        const stg_api_key_t *key = &APR_ARRAY_IDX(keys, i, stg_api_key_t);
        json_t *json;

        if (strcmp(key->id, id))
            continue;
        json = key_json(key, req->pool);
        stg_json_put_text(json, "key", text);
        return stg_reply_json(req, HTTP_CREATED, json);
    }
    return stg_raise(req->pool, STG_E_NOT_FOUND, "there is no such key");
}

stg_error_t *stg_own_key_revoke(stg_request_t *req)
{
    STG_TRY(check_person(req));
    STG_TRY(stg_api_key_revoke_own(req->staging->db, req->target,
                                   req->principal->subject, req->pool));
    return stg_reply_empty(req, HTTP_NO_CONTENT);
}
