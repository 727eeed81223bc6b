/* SPDX-License-Identifier: Apache-2.0 */
#include "web/request.h"

#include "base/ids.h"
#include "web/cookie.h"
#include "web/route.h"
#include "web/web.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_main.h>
#include <http_protocol.h>
#include <util_cookies.h>

#include <string.h>

stg_settings_t *stg_settings(void)
{
    return ap_get_module_config(ap_server_conf->module_config, &staging_module);
}

stg_process_t *stg_process(void)
{
    return stg_settings()->process;
}

/* Does path lie at or below the mount? What httpd refuses for an encoded
 * slash or NUL was meant to. */
static int is_below(const char *path, const char *mount)
{
    apr_size_t length = strlen(mount);
    const char *rest = path + length;

    return !strncmp(path, mount, length) &&
           (*rest == '/' || *rest == '\0' || !strncasecmp(rest, "%2f", 3) ||
            !strncmp(rest, "%00", 3));
}

/* The location of ours that will serve r. Its path may still be encoded when
 * this is asked first, so it is compared the way httpd will see it. Of nested
 * ones the inner, of equal ones the last. */
static const stg_mount_t *find_mount(const request_rec *r)
{
    const apr_array_header_t *mounts = stg_settings()->mounts;
    const stg_mount_t *found = NULL;
    char *path;

    if (!r->uri)
        return NULL;
    path = apr_pstrdup(r->pool, r->uri);
    ap_normalize_path(
        path, AP_NORMALIZE_MERGE_SLASHES | AP_NORMALIZE_DECODE_UNRESERVED |
                  AP_NORMALIZE_NOT_ABOVE_ROOT | AP_NORMALIZE_ALLOW_RELATIVE);
    for (int i = 0; i < mounts->nelts; i++) {
        const stg_mount_t *mount = &APR_ARRAY_IDX(mounts, i, stg_mount_t);

        if (mount->server == r->server && is_below(path, mount->path) &&
            (!found || strlen(mount->path) >= strlen(found->path)))
            found = mount;
    }
    return found;
}

static char *with_query(const char *before, const char *masked, apr_pool_t *p)
{
    const char *mark = strchr(before, '?');

    if (!mark)
        return apr_pstrdup(p, before);
    return apr_pstrcat(p, apr_pstrndup(p, before, (apr_size_t)(mark - before)),
                       masked ? "?" : "", masked, NULL);
}

/* From here on nothing that is logged, shown or redirected holds a secret:
 * not the request line, not the query, not where the client came from. */
static void hide_credentials(stg_request_t *req)
{
    request_rec *r = req->r;
    const char *referer = apr_table_get(r->headers_in, "Referer");
    int is_private = req->mount && req->mount->api->is_query_private;
    const char *masked;

    if (referer && strchr(referer, '?'))
        apr_table_setn(r->headers_in, "Referer",
                       with_query(referer, NULL, r->pool));
    if (!r->args)
        return;
    req->args =
        stg_credentials_split(&req->credentials, &masked, r->args, r->pool);
    /* what the IAM tells besides its token is not asked for, whatever it is */
    if (is_private && req->credentials.returned)
        req->args = NULL;
    r->args = is_private ? NULL : apr_pstrdup(r->pool, req->args);
    r->parsed_uri.query = r->args;
    r->unparsed_uri =
        with_query(r->unparsed_uri, is_private ? "***" : masked, r->pool);
    r->the_request =
        apr_pstrcat(r->pool, r->method, " ", r->unparsed_uri,
                    r->assbackwards ? NULL : " ", r->protocol, NULL);
}

void stg_request_own_error(request_rec *r, int status)
{
    /* one quote is how httpd marks a text, here an empty one */
    ap_custom_response(r, status, "\"");
}

/* What httpd and other modules raise before any handler is asked. */
static void own_early_errors(request_rec *r)
{
    static const int early[] = {HTTP_BAD_REQUEST, HTTP_UNAUTHORIZED,
                                HTTP_FORBIDDEN, HTTP_NOT_FOUND,
                                HTTP_REQUEST_ENTITY_TOO_LARGE};

    for (apr_size_t i = 0; i < sizeof(early) / sizeof(*early); i++)
        stg_request_own_error(r, early[i]);
}

/* RFC 9112, 6.1: HTTP/1.0 knows no chunks, so whoever passed this on may take
 * what follows for another request, or for none. */
static void distrust_framing(request_rec *r)
{
    if (r->proto_num < HTTP_VERSION(1, 1) &&
        apr_table_get(r->headers_in, "Transfer-Encoding"))
        r->connection->keepalive = AP_CONN_CLOSE;
}

/* Lengths, ranges, digests and tags are those of the bytes as they are; and
 * what stands beside a secret would be guessed by how well it compresses.
 * mod_deflate and mod_brotli, whatever they are told, leave this alone. */
static void forbid_compression(request_rec *r)
{
    apr_table_setn(r->subprocess_env, "no-gzip", "1");
    apr_table_setn(r->subprocess_env, "no-brotli", "1");
}

static stg_request_t *request_create(request_rec *r, const stg_mount_t *mount)
{
    stg_request_t *req = apr_pcalloc(r->pool, sizeof(*req));
    const char *unique = apr_table_get(r->subprocess_env, "UNIQUE_ID");

    req->r = r;
    req->pool = r->pool;
    req->mount = mount;
    req->process = stg_process();
    req->staging = req->process ? &req->process->staging : NULL;
    req->id = unique ? unique : stg_uuid_create(r->pool);
    /* %L in ErrorLogFormat and LogFormat */
    r->log_id = req->id;
    apr_table_setn(r->err_headers_out, "X-Request-Id", req->id);
    ap_set_module_config(r->request_config, &staging_module, req);
    hide_credentials(req);
    distrust_framing(r);
    forbid_compression(r);
    own_early_errors(r);
    return req;
}

stg_request_t *stg_request_get(request_rec *r)
{
    stg_request_t *req =
        ap_get_module_config(r->request_config, &staging_module);
    const stg_mount_t *mount = req ? NULL : find_mount(r);

    return mount ? request_create(r, mount) : req;
}

stg_request_t *stg_request_make(request_rec *r)
{
    stg_request_t *req = stg_request_get(r);

    return req ? req : request_create(r, NULL);
}

static int see_request(request_rec *r)
{
    stg_request_get(r);
    return DECLINED;
}

/* A request line that makes no sense never came by see_request, or has no path
 * to tell whom it was meant for: its query goes. */
static int see_log(request_rec *r)
{
    const char *path = r->parsed_uri.path;
    int is_nowhere = r->status >= HTTP_BAD_REQUEST && (!path || *path != '/');

    if (stg_request_get(r) || !is_nowhere || !r->the_request)
        return DECLINED;
    r->the_request = with_query(r->the_request, NULL, r->pool);
    if (r->uri)
        r->uri = with_query(r->uri, NULL, r->pool);
    r->args = NULL;
    return DECLINED;
}

/* Cookies are a credential only where the policy says so; a second cookie of
 * the name is as ambiguous as a second key. */
static void read_cookies(stg_request_t *req)
{
    const char *value = NULL;

    if (req->policy->cookie &&
        ap_cookie_read(req->r, "edi-token", &value, 0) == APR_SUCCESS)
        req->credentials.cookie = value;
    if (req->policy->sessions)
        req->credentials.session = stg_cookie_get(req, STG_SESSION_COOKIE);
}

stg_error_t *stg_request_open(stg_request_t *req)
{
    request_rec *r = req->r;
    apr_array_header_t *query;
    const stg_policy_t *policy =
        ap_get_module_config(r->per_dir_config, &staging_module);

    if (req->policy)
        return STG_OK;
    if (!req->process)
        return stg_raise(req->pool, STG_E_INTERNAL,
                         "the service is not running");
    req->policy = policy;
    req->path = policy->mount ? r->uri + strlen(policy->mount) : NULL;
    STG_TRY(stg_query_parse(&query, req->args, req->pool));
    req->query = query;
    read_cookies(req);
    return stg_credentials_bearer(&req->credentials,
                                  apr_table_get(r->headers_in, "Authorization"),
                                  req->pool);
}

stg_error_t *stg_request_parameter(const char **value, const stg_request_t *req,
                                   const char *name)
{
    return stg_query_single(value, req->query, name, req->pool);
}

void stg_request_hooks(apr_pool_t *p)
{
    /* before anything writes the request line somewhere */
    static const char *const loggers[] = {"mod_log_forensic.c", NULL};
    static const char *const ids[] = {"mod_unique_id.c", NULL};

    (void)p;
    ap_hook_post_read_request(see_request, ids, loggers, APR_HOOK_REALLY_FIRST);
    ap_hook_log_transaction(see_log, NULL, NULL, APR_HOOK_REALLY_FIRST);
}
