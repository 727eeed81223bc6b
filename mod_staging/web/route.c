/* SPDX-License-Identifier: Apache-2.0 */
#include "web/route.h"

#include "base/ids.h"
#include "web/web.h"

#include <apr_strings.h>
#include <http_request.h>

#include <string.h>

enum { UUID_CHARS = 36, MOST_DIGITS = 18 };

/* What stands in a path for a placeholder: its length, 0 for none. */
static apr_size_t id_length(const char *path, apr_pool_t *p)
{
    return strlen(path) >= UUID_CHARS &&
                   stg_uuid_is_valid(apr_pstrndup(p, path, UUID_CHARS))
               ? UUID_CHARS
               : 0;
}

static apr_size_t number_length(const char *path, apr_pool_t *p)
{
    apr_size_t digits = strspn(path, "0123456789");

    (void)p;
    return digits <= MOST_DIGITS ? digits : 0;
}

static const struct {
    const char *name;
    apr_size_t (*length)(const char *path, apr_pool_t *p);
} placeholders[] = {{"{id}", id_length}, {"{number}", number_length}};

/* Does the pattern fit the path? *target gets what its placeholder, of which it
 * has one at most, stands for. */
static int fits(const char **target, const char *pattern, const char *path,
                apr_pool_t *p)
{
    apr_size_t before = strcspn(pattern, "{");

    *target = NULL;
    if (!pattern[before])
        return !strcmp(pattern, path);
    if (strncmp(pattern, path, before))
        return 0;
    pattern += before;
    path += before;
    for (int i = 0; i < 2; i++) {
        apr_size_t name = strlen(placeholders[i].name);
        apr_size_t length;

        if (strncmp(pattern, placeholders[i].name, name))
            continue;
        length = placeholders[i].length(path, p);
        *target = apr_pstrndup(p, path, length);
        return length && !strcmp(pattern + name, path + length);
    }
    return 0;
}

const stg_api_t *stg_route_api(const stg_request_t *req)
{
    return req->mount ? req->mount->api : NULL;
}

/* Where no route was found: httpd makes the Allow header from these, and adds
 * HEAD to GET. */
static void allow(const char **allowed, request_rec *r, const char *method)
{
    ap_allow_methods(r, *allowed ? MERGE_ALLOW : REPLACE_ALLOW, method, NULL);
    *allowed =
        *allowed ? apr_pstrcat(r->pool, *allowed, ", ", method, NULL) : method;
}

stg_error_t *stg_route_find(const stg_route_t **found, const stg_api_t *api,
                            stg_request_t *req)
{
    const char *path = strcmp(req->path, "/") ? req->path : "";
    const char *allowed = NULL;
    const char *target;

    *found = NULL;
    for (const stg_route_t *route = api->routes; route->method; route++) {
        if (!fits(&target, route->pattern, path, req->pool))
            continue;
        req->target = target;
        if (!strcmp(route->method, req->r->method)) {
            *found = route;
            return STG_OK;
        }
        if (!strcmp(req->r->method, "HEAD") && !strcmp(route->method, "GET"))
            *found = route;
        allow(&allowed, req->r, route->method);
    }
    if (*found)
        return STG_OK;
    if (allowed && api->options)
        allow(&allowed, req->r, "OPTIONS");
    if (!allowed)
        return stg_raise(req->pool, STG_E_NOT_FOUND, "there is nothing here");
    return stg_raise(req->pool, STG_E_BAD_METHOD,
                     "%s is not possible here, only %s", req->r->method,
                     allowed);
}
