/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3_endpoint.h"
#include "store/sigv4.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include <string.h>

int stg_s3_addressing_parse(stg_s3_addressing_t *addressing, const char *text)
{
    static const char *const names[] = {"auto", "path", "virtual"};

    for (int i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            *addressing = (stg_s3_addressing_t)i;
            return 1;
        }
    }
    return 0;
}

static int has_suffix(const char *text, const char *suffix)
{
    apr_size_t n = strlen(text), m = strlen(suffix);

    return n >= m && strcmp(text + n - m, suffix) == 0;
}

int stg_s3_endpoint_is_aws(const stg_s3_endpoint_t *endpoint)
{
    return has_suffix(endpoint->host, ".amazonaws.com") ||
           has_suffix(endpoint->host, ".amazonaws.com.cn");
}

const char *stg_s3_endpoint_aws(const char *region, apr_pool_t *p)
{
    return apr_pstrcat(p, "s3.", region, ".amazonaws.com",
                       strncmp(region, "cn-", 3) == 0 ? ".cn" : "", NULL);
}

/* Letters, digits, '-', '.', a port, an IPv6 address in brackets. */
static int is_host(const char *host)
{
    const char *rest = host;
    apr_size_t digits;

    if (*host == '[') {
        rest += 1 + strspn(host + 1, "0123456789abcdef:.");
        if (*rest++ != ']')
            return 0;
    } else {
        rest += strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-.");
    }
    if (rest == host)
        return 0;
    if (*rest == '\0')
        return 1;
    digits = strspn(rest + 1, "0123456789");
    return *rest == ':' && digits > 0 && digits < 6 && rest[1 + digits] == '\0';
}

/* A bucket with dots does not fit the certificate of *.endpoint. */
static int is_dns_label(const char *bucket)
{
    return strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789-") ==
           strlen(bucket);
}

stg_error_t *stg_s3_endpoint_parse(stg_s3_endpoint_t **endpoint,
                                   const char *url,
                                   stg_s3_addressing_t addressing,
                                   const char *bucket, apr_pool_t *p)
{
    stg_s3_endpoint_t *e = apr_pcalloc(p, sizeof(*e));
    const char *port;
    char *host;

    if (strncmp(url, "https://", 8) == 0) {
        e->scheme = "https";
        port = ":443";
    } else if (strncmp(url, "http://", 7) == 0) {
        e->scheme = "http";
        port = ":80";
    } else {
        return stg_raise(p, STG_E_INVALID,
                         "an S3 endpoint begins with https:// or http://");
    }
    host = apr_pstrdup(p, url + strlen(e->scheme) + 3);
    if (has_suffix(host, "/"))
        host[strlen(host) - 1] = '\0';
    for (char *c = host; *c; c++)
        *c = (char)apr_tolower(*c);
    if (!is_host(host))
        return stg_raise(p, STG_E_INVALID,
                         "an S3 endpoint is https://host[:port], no more");
    /* Signed and sent must agree, and clients drop the default port. */
    if (has_suffix(host, port))
        host[strlen(host) - strlen(port)] = '\0';
    e->host = host;
    e->is_virtual = addressing == STG_S3_VIRTUAL ||
                    (addressing == STG_S3_AUTO && bucket &&
                     is_dns_label(bucket) && stg_s3_endpoint_is_aws(e));
    *endpoint = e;
    return STG_OK;
}

const char *stg_s3_endpoint_host(const stg_s3_endpoint_t *endpoint,
                                 const char *bucket, apr_pool_t *p)
{
    if (!endpoint->is_virtual || !bucket)
        return endpoint->host;
    return apr_pstrcat(p, bucket, ".", endpoint->host, NULL);
}

const char *stg_s3_endpoint_path(const stg_s3_endpoint_t *endpoint,
                                 const char *bucket, const char *key,
                                 apr_pool_t *p)
{
    const char *root = "";

    if (bucket && !endpoint->is_virtual)
        root = apr_pstrcat(p, "/", bucket, NULL);
    if (key)
        return apr_pstrcat(p, root, "/", stg_sigv4_path(key, p), NULL);
    return *root ? root : "/";
}
