/* SPDX-License-Identifier: Apache-2.0 */
#include "web/cookie.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <util_cookies.h>

#include <string.h>

static int is_secure(const request_rec *r)
{
    return !strcmp(ap_http_scheme(r), "https");
}

/* As the browser knows us: what it takes for trustworthy without TLS (W3C
 * Secure Contexts, 3.1). */
static int is_loopback(const request_rec *r)
{
    static const char *const hosts[] = {"localhost", "127.", "[::1]"};
    const char *host = apr_table_get(r->headers_in, "Host");

    for (apr_size_t i = 0; host && i < sizeof(hosts) / sizeof(*hosts); i++) {
        apr_size_t length = strlen(hosts[i]);

        if (strncasecmp(host, hosts[i], length))
            continue;
        if (hosts[i][length - 1] == '.')
            return strspn(host, "0123456789.:") == strlen(host);
        if (!host[length] || host[length] == ':')
            return 1;
    }
    return 0;
}

static const char *full_name(const request_rec *r, const char *name)
{
    return is_secure(r) ? apr_pstrcat(r->pool, "__Host-", name, NULL) : name;
}

const char *stg_cookie_get(const stg_request_t *req, const char *name)
{
    const char *value = NULL;

    return ap_cookie_read(req->r, full_name(req->r, name), &value, 0) ==
                   APR_SUCCESS
               ? value
               : NULL;
}

static void add_cookie(stg_request_t *req, const char *name, const char *value,
                       const char *age)
{
    request_rec *r = req->r;

    /* these are sent with errors too */
    apr_table_addn(r->err_headers_out, "Set-Cookie",
                   apr_pstrcat(r->pool, full_name(r, name), "=", value,
                               "; Path=/; HttpOnly; SameSite=Lax",
                               is_secure(r) ? "; Secure" : "", age, NULL));
}

stg_error_t *stg_cookie_check(const stg_request_t *req)
{
    if (is_secure(req->r) || is_loopback(req->r))
        return STG_OK;
    return stg_because(stg_raise(req->pool, STG_E_FORBIDDEN,
                                 "nobody can sign in here without TLS"),
                       req->pool,
                       "behind a proxy that ends TLS, set ServerName https://");
}

stg_error_t *stg_cookie_set(stg_request_t *req, const char *name,
                            const char *value, int seconds)
{
    STG_TRY(stg_cookie_check(req));
    add_cookie(req, name, value,
               seconds ? apr_psprintf(req->pool, "; Max-Age=%d", seconds) : "");
    return STG_OK;
}

void stg_cookie_drop(stg_request_t *req, const char *name)
{
    add_cookie(req, name, "", "; Max-Age=0");
}
