/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/session_json.h"

#include "auth/iam.h"
#include "auth/web_session.h"
#include "web/web.h"
#include "web/who.h"

#include <string.h>

static json_t *texts(apr_pool_t *p)
{
    return stg_json_own(json_array(), p);
}

static void add_text(json_t *list, const char *text)
{
    json_array_append_new(list, json_string(text));
}

/* What a page can offer to somebody who is not signed in. */
static json_t *sign_in_json(const stg_request_t *req)
{
    json_t *list = texts(req->pool);
    int has_accounts = stg_who_is_accepted(req, STG_REALM_ACCOUNT);

    if (has_accounts)
        add_text(list, "password");
    if (has_accounts || stg_who_comes_by_iam(req))
        add_text(list, "key");
    if (stg_who_comes_by_iam(req))
        add_text(list, "iam");
    return list;
}

static json_t *providers_json(const stg_request_t *req)
{
    json_t *list = texts(req->pool);

    for (const char *const *name = stg_iam_providers;
         stg_who_comes_by_iam(req) && *name; name++)
        add_text(list, *name);
    return list;
}

/* Does what opens this location open that one as well? */
static int is_open(const stg_request_t *req, const stg_policy_t *policy)
{
    return req->policy->accept_user && req->r->user ? policy->accept_user
                                                    : policy->sessions;
}

/* The first location of the server with this handler, of those that are open
 * and of the same service. */
static const stg_mount_t *find_mount(const stg_request_t *req,
                                     const char *handler)
{
    const apr_array_header_t *mounts = req->process->settings->mounts;

    for (int i = 0; i < mounts->nelts; i++) {
        const stg_mount_t *mount = &APR_ARRAY_IDX(mounts, i, stg_mount_t);

        if (mount->server == req->r->server && is_open(req, mount->policy) &&
            !strcmp(mount->handler, handler) &&
            !strcmp(mount->policy->service, req->policy->service))
            return mount;
    }
    return NULL;
}

static json_t *mounts_json(const stg_request_t *req)
{
    static const char *const names[] = {"upload", "resumable", "operation"};
    static const char *const handlers[] = {
        "staging-uploads", "staging-resumable", "staging-operation"};
    json_t *json = stg_json_object(req->pool);

    for (int i = 0; i < 3; i++) {
        const stg_mount_t *mount = find_mount(req, handlers[i]);

        stg_json_put_text(json, names[i], mount ? mount->path : NULL);
    }
    return json;
}

/* Those of what is uploaded: the dashboard uploads what can be resumed. */
static json_t *limits_json(const stg_request_t *req)
{
    const stg_mount_t *mount = find_mount(req, "staging-resumable");
    const stg_policy_t *policy = mount ? mount->policy : req->policy;
    json_t *json = stg_json_object(req->pool);

    stg_json_put_int(json, "max_upload", policy->max_upload);
    stg_json_put_int(json, "retention_seconds", policy->retention);
    stg_json_put_int(json, "idle_seconds", policy->upload_idle);
    return json;
}

/* Where the IAM cannot be asked now, uploading will say so. */
static json_t *scopes_json(stg_request_t *req)
{
    json_t *list = texts(req->pool);
    const stg_error_t *err;

    if (!stg_who_check(req, STG_GRANT_READ))
        add_text(list, "read");
    err = stg_who_check(req, STG_GRANT_UPLOAD);
    if (!err || err->code == STG_E_IAM_DOWN)
        add_text(list, "write");
    return list;
}

static const char *how_of(const stg_request_t *req)
{
    if (req->session)
        return req->session->how;
    return strcmp(req->principal->realm, STG_REALM_HTTPD) ? "bearer" : "httpd";
}

static void put_principal(json_t *json, stg_request_t *req)
{
    const stg_principal_t *who = req->principal;
    const stg_web_session_t *session = req->session;

    stg_json_put_text(json, "name", who->name);
    stg_json_put_text(json, "realm", who->realm);
    stg_json_put_text(json, "subject", who->subject);
    stg_json_put_text(json, "how", how_of(req));
    json_object_set(json, "scopes", scopes_json(req));
    stg_json_put_bool(json, "is_operator", stg_who_is_operator(req));
    stg_json_put_time(json, "created", session ? session->created : 0,
                      req->pool);
    stg_json_put_time(json, "idle_end", session ? session->idle_end : 0,
                      req->pool);
    stg_json_put_time(json, "end", session ? session->end : 0, req->pool);
}

json_t *stg_session_json(stg_request_t *req)
{
    json_t *json = stg_json_object(req->pool);

    if (req->principal)
        put_principal(json, req);
    else
        stg_json_put_text(json, "name", NULL);
    json_object_set(json, "sign_in", sign_in_json(req));
    json_object_set(json, "providers", providers_json(req));
    json_object_set(json, "mounts", mounts_json(req));
    json_object_set(json, "limits", limits_json(req));
    return json;
}
