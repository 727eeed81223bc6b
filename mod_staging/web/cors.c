/* SPDX-License-Identifier: Apache-2.0 */
#include "web/cors.h"

#include "web/web.h"

#include <http_protocol.h>

#include <string.h>

/* What a browser may remember of a preflight, in seconds. */
static const char max_age[] = "86400";

/* Of the location, or of the mount where httpd refused the request before the
 * location was known. */
static const stg_policy_t *policy_of(const stg_request_t *req)
{
    if (req->policy)
        return req->policy;
    return req->mount ? req->mount->policy : NULL;
}

static int is_listed(const char *origins, const char *origin)
{
    apr_size_t length = strlen(origin);

    /* a browser that was led from one to another sends both */
    if (strchr(origin, ' '))
        return 0;
    for (const char *at = origins; at; at = strchr(at, ' ')) {
        at += *at == ' ';
        if (!strncmp(at, origin, length) && (!at[length] || at[length] == ' '))
            return 1;
    }
    return 0;
}

/* NULL: the answer is the same as without CORS. */
static const char *allowed_origin(const stg_request_t *req)
{
    const stg_policy_t *policy = policy_of(req);
    const char *origin = apr_table_get(req->r->headers_in, "Origin");

    return policy && policy->origins && origin &&
                   is_listed(policy->origins, origin)
               ? origin
               : NULL;
}

/* In err_headers_out, which errors and all else have. Vary for other origins
 * too: their answers must not be kept for those that are allowed. */
static const char *set_common(stg_request_t *req)
{
    apr_table_t *headers = req->r->err_headers_out;
    const stg_policy_t *policy = policy_of(req);
    const char *origin = allowed_origin(req);

    if (policy && policy->origins &&
        !ap_find_token(req->pool, apr_table_get(headers, "Vary"), "Origin"))
        apr_table_mergen(headers, "Vary", "Origin");
    if (!origin)
        return NULL;
    apr_table_setn(headers, "Access-Control-Allow-Origin", origin);
    if (policy->cors_credentials)
        apr_table_setn(headers, "Access-Control-Allow-Credentials", "true");
    return origin;
}

void stg_cors_apply(stg_request_t *req, const stg_cors_lists_t *lists)
{
    if (set_common(req))
        apr_table_setn(req->r->err_headers_out, "Access-Control-Expose-Headers",
                       lists->exposed_headers);
}

/* Lists in full, whatever was asked for: with credentials "*" is taken
 * literally, and it never covers Authorization. */
void stg_cors_preflight(stg_request_t *req, const stg_cors_lists_t *lists)
{
    apr_table_t *headers = req->r->err_headers_out;

    if (!set_common(req))
        return;
    apr_table_setn(headers, "Access-Control-Allow-Methods", lists->methods);
    apr_table_setn(headers, "Access-Control-Allow-Headers",
                   lists->request_headers);
    apr_table_setn(headers, "Access-Control-Max-Age", max_age);
}

int stg_cors_is_preflight(const stg_request_t *req)
{
    return req->r->method_number == M_OPTIONS && allowed_origin(req) &&
           apr_table_get(req->r->headers_in, "Access-Control-Request-Method");
}

int stg_cors_is_trusted(const stg_request_t *req)
{
    return req->policy && req->policy->cors_credentials && allowed_origin(req);
}
