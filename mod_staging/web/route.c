/* SPDX-License-Identifier: Apache-2.0 */
#include "web/route.h"

#include "base/ids.h"

#include <apr_strings.h>
#include <http_request.h>

#include <string.h>

static const char placeholder[] = "/{id}";
enum { UUID_CHARS = 36 };

/* Does the pattern fit the path? *target gets its id. */
static int fits(const char **target, const char *pattern, const char *path,
                apr_pool_t *p)
{
    const char *id;

    *target = NULL;
    if (!strncmp(pattern, placeholder, sizeof(placeholder) - 1)) {
        if (*path != '/' || strlen(path) < 1 + UUID_CHARS)
            return 0;
        id = apr_pstrndup(p, path + 1, UUID_CHARS);
        if (!stg_uuid_is_valid(id))
            return 0;
        *target = id;
        pattern += sizeof(placeholder) - 1;
        path += 1 + UUID_CHARS;
    }
    return !strcmp(pattern, path);
}

static int serves(const stg_route_t *route, const request_rec *r)
{
    return !strcmp(route->method, r->header_only ? "GET" : r->method);
}

stg_error_t *stg_route_find(const stg_route_t **found, const stg_api_t *api,
                            stg_request_t *req)
{
    const char *path = strcmp(req->path, "/") ? req->path : "";
    const char *allowed = NULL;
    const char *target;

    for (const stg_route_t *route = api->routes; route->method; route++) {
        if (!fits(&target, route->pattern, path, req->pool))
            continue;
        if (serves(route, req->r)) {
            *found = route;
            req->target = target;
            return STG_OK;
        }
        /* httpd makes the Allow header from these, and adds HEAD to GET */
        ap_allow_methods(req->r, allowed ? MERGE_ALLOW : REPLACE_ALLOW,
                         route->method, NULL);
        allowed = apr_pstrcat(req->pool, allowed ? allowed : "",
                              allowed ? ", " : "", route->method, NULL);
    }
    if (!allowed)
        return stg_raise(req->pool, STG_E_NOT_FOUND, "there is nothing here");
    return stg_raise(req->pool, STG_E_BAD_METHOD,
                     "%s is not possible here, only %s", req->r->method,
                     allowed);
}
