/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3_key_sources.h"
#include "store/s3_key_texts.h"
#include "store/s3_xml.h"

#include <apr_file_io.h>
#include <apr_strings.h>

#include <string.h>

#define INSTANCE_ENDPOINT "http://169.254.169.254"
#define CONTAINER_ENDPOINT "http://169.254.170.2"

enum { MAX_FILE = 64 * 1024, MAX_ANSWER = 10 * 1024, ATTEMPTS = 3 };

static const char *get(const stg_s3_source_t *source, const char *name)
{
    const char *value = source->env(name);

    return value && *value ? value : NULL;
}

/* The first that the environment tells of, in the order of the SDKs; the
 * shared file only if named, since httpd's user has no home. */
static stg_error_t *choose(stg_s3_source_t *source, apr_pool_t *p)
{
    const char *disabled = get(source, "AWS_EC2_METADATA_DISABLED");

    if (get(source, "AWS_ACCESS_KEY_ID") &&
        get(source, "AWS_SECRET_ACCESS_KEY"))
        return stg_s3_source_parse(source, "env", p);
    if (get(source, "AWS_SHARED_CREDENTIALS_FILE"))
        return stg_s3_source_parse(source, "shared:", p);
    if (get(source, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") ||
        get(source, "AWS_CONTAINER_CREDENTIALS_FULL_URI"))
        return stg_s3_source_parse(source, "container", p);
    if (disabled && strcasecmp(disabled, "true") == 0)
        return stg_raise(p, STG_E_INVALID,
                         "credentials=auto finds no source of S3 keys");
    return stg_s3_source_parse(source, "instance", p);
}

static stg_error_t *parse_shared(stg_s3_source_t *source, const char *text,
                                 apr_pool_t *p)
{
    const char *hash = strchr(text, '#');
    const char *path =
        hash ? apr_pstrmemdup(p, text, (apr_size_t)(hash - text)) : text;

    source->kind = STG_S3_SOURCE_SHARED;
    source->path = *path ? path : get(source, "AWS_SHARED_CREDENTIALS_FILE");
    source->profile = hash ? hash + 1 : get(source, "AWS_PROFILE");
    if (!source->profile)
        source->profile = "default";
    if (!source->path)
        return stg_raise(p, STG_E_INVALID,
                         "credentials=shared:PATH needs the path of the file");
    return STG_OK;
}

stg_error_t *stg_s3_source_parse(stg_s3_source_t *source, const char *text,
                                 apr_pool_t *p)
{
    if (strcmp(text, "auto") == 0)
        return choose(source, p);
    if (strncmp(text, "shared:", 7) == 0)
        return parse_shared(source, apr_pstrdup(p, text + 7), p);
    if (strncmp(text, "file:", 5) == 0 && text[5] == '/') {
        source->kind = STG_S3_SOURCE_FILE;
        source->path = apr_pstrdup(p, text + 5);
    } else if (strcmp(text, "env") == 0) {
        source->kind = STG_S3_SOURCE_ENV;
    } else if (strcmp(text, "container") == 0) {
        source->kind = STG_S3_SOURCE_CONTAINER;
    } else if (strcmp(text, "instance") == 0) {
        source->kind = STG_S3_SOURCE_INSTANCE;
    } else {
        return stg_raise(p, STG_E_INVALID,
                         "credentials= is one of auto, env, container, "
                         "instance, file:/path, shared:/path[#profile]");
    }
    return STG_OK;
}

static stg_error_t *read_file(char **text, const char *path, apr_pool_t *p)
{
    apr_file_t *file;
    apr_finfo_t info = {.size = 0};
    apr_size_t count;
    apr_status_t status;

    status = apr_file_open(&file, path, APR_FOPEN_READ, APR_OS_DEFAULT, p);
    if (status != APR_SUCCESS)
        return stg_because_apr(stg_s3_no_keys(path, p), p, status, "open");
    status = apr_file_info_get(&info, APR_FINFO_SIZE | APR_FINFO_PROT, file);
    if (status != APR_SUCCESS || info.size > MAX_FILE)
        return stg_certain(stg_s3_no_keys(
            apr_pstrcat(p, path, " is no file of keys", NULL), p));
    if (info.protection & (APR_FPROT_WREAD | APR_FPROT_WWRITE))
        return stg_certain(stg_s3_no_keys(
            apr_pstrcat(p, path, " can be read by every user: chmod o= it",
                        NULL),
            p));
    count = (apr_size_t)info.size;
    *text = apr_pcalloc(p, count + 1);
    status = count ? apr_file_read_full(file, *text, count, NULL) : APR_SUCCESS;
    apr_file_close(file);
    if (status != APR_SUCCESS)
        return stg_because_apr(stg_s3_no_keys(path, p), p, status, "read");
    return STG_OK;
}

static stg_error_t *read_plain(stg_s3_keys_t *keys,
                               const stg_s3_source_t *source, apr_pool_t *p)
{
    char *text;

    STG_TRY(read_file(&text, source->path, p));
    return stg_s3_keys_of_lines(keys, text, p);
}

static stg_error_t *read_shared(stg_s3_keys_t *keys,
                                const stg_s3_source_t *source, apr_pool_t *p)
{
    char *text;

    STG_TRY(read_file(&text, source->path, p));
    stg_s3_keys_of_profile(keys, text, source->profile);
    return STG_OK;
}

static stg_error_t *read_env(stg_s3_keys_t *keys, const stg_s3_source_t *source)
{
    const char *expires = get(source, "AWS_CREDENTIAL_EXPIRATION");

    keys->access_key = get(source, "AWS_ACCESS_KEY_ID");
    keys->secret_key = get(source, "AWS_SECRET_ACCESS_KEY");
    keys->token = get(source, "AWS_SESSION_TOKEN");
    if (!keys->token)
        keys->token = get(source, "AWS_SECURITY_TOKEN");
    keys->expires = expires ? stg_s3_time(expires) : 0;
    return STG_OK;
}

/* One question to a metadata service: short, and again if it is silent. */
static stg_error_t *ask(const char **answer, const stg_s3_source_t *source,
                        const char *method, const char *url,
                        const apr_table_t *headers)
{
    apr_pool_t *p = apr_table_elts(headers)->pool;
    const stg_http_request_t request = {
        .method = method,
        .url = url,
        .headers = headers,
        .connect_timeout = apr_time_from_sec(1),
        .timeout = apr_time_from_sec(2),
    };
    stg_http_response_t *response;
    stg_error_t *err = STG_OK;

    for (int i = 0; i < ATTEMPTS; i++) {
        err = stg_http_call(&response, source->client, &request, NULL,
                            MAX_ANSWER, p);
        if (err || response->status >= 500)
            continue;
        if (response->status != 200)
            return stg_certain(
                stg_s3_no_keys(apr_psprintf(p, "metadata service: status %d",
                                            response->status),
                               p));
        *answer = response->body;
        return STG_OK;
    }
    return err ? err
               : stg_certain(stg_s3_no_keys("metadata service: status 5xx", p));
}

/* Over http only to the addresses that never leave the machine, and with no
 * user before an address that looks like one of them. */
static int is_trusted(const char *url)
{
    static const char *const hosts[] = {
        "http://127.0.0.1", "http://localhost",      "http://[::1]",
        CONTAINER_ENDPOINT, "http://169.254.170.23", "http://[fd00:ec2::23]"};

    if (strchr(url, '@'))
        return 0;
    if (strncmp(url, "https://", 8) == 0)
        return 1;
    for (unsigned int i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
        apr_size_t n = strlen(hosts[i]);

        if (strncmp(url, hosts[i], n) == 0 && strchr("/:", url[n]))
            return 1;
    }
    return 0;
}

static stg_error_t *read_container(stg_s3_keys_t *keys,
                                   const stg_s3_source_t *source, apr_pool_t *p)
{
    const char *relative =
        get(source, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *url = get(source, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    const char *token = get(source, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    const char *path = get(source, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    apr_table_t *headers = apr_table_make(p, 2);
    const char *answer;
    char *text;

    if (relative)
        url = apr_pstrcat(p, CONTAINER_ENDPOINT, relative, NULL);
    if (!url || !is_trusted(url))
        return stg_certain(stg_s3_no_keys(
            "the container's URL of keys is missing or not safe", p));
    if (path) {
        STG_TRY(read_file(&text, path, p));
        token = stg_s3_trim(text);
    }
    apr_table_setn(headers, "Accept", "application/json");
    if (token && strpbrk(token, "\r\n"))
        return stg_certain(
            stg_s3_no_keys("the container's token has line ends", p));
    if (token)
        apr_table_setn(headers, "Authorization", token);
    STG_TRY(ask(&answer, source, "GET", url, headers));
    return stg_s3_keys_of_json(keys, answer, p);
}

/* Version 2 only: the token keeps a tricked proxy from reading the keys. */
static stg_error_t *read_instance(stg_s3_keys_t *keys,
                                  const stg_s3_source_t *source, apr_pool_t *p)
{
    const char *endpoint = get(source, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    const char *mode = get(source, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    apr_table_t *headers = apr_table_make(p, 2);
    const char *token, *role, *answer, *url;

    if (!endpoint)
        endpoint = mode && strcasecmp(mode, "IPv6") == 0
                       ? "http://[fd00:ec2::254]"
                       : INSTANCE_ENDPOINT;
    apr_table_setn(headers, "X-aws-ec2-metadata-token-ttl-seconds", "21600");
    url = apr_pstrcat(p, endpoint, "/latest/api/token", NULL);
    STG_TRY(ask(&token, source, "PUT", url, headers));
    if (strpbrk(token, "\r\n"))
        return stg_certain(
            stg_s3_no_keys("the instance's token has line ends", p));
    apr_table_clear(headers);
    apr_table_setn(headers, "X-aws-ec2-metadata-token", token);
    url = apr_pstrcat(p, endpoint,
                      "/latest/meta-data/iam/security-credentials/", NULL);
    STG_TRY(ask(&role, source, "GET", url, headers));
    role = apr_pstrmemdup(p, role, strcspn(role, "\r\n"));
    url = apr_pstrcat(p, url, role, NULL);
    STG_TRY(ask(&answer, source, "GET", url, headers));
    return stg_s3_keys_of_json(keys, answer, p);
}

static stg_error_t *read_kind(stg_s3_keys_t *keys,
                              const stg_s3_source_t *source, apr_pool_t *p)
{
    switch (source->kind) {
    case STG_S3_SOURCE_FILE:
        return read_plain(keys, source, p);
    case STG_S3_SOURCE_SHARED:
        return read_shared(keys, source, p);
    case STG_S3_SOURCE_ENV:
        return read_env(keys, source);
    case STG_S3_SOURCE_CONTAINER:
        return read_container(keys, source, p);
    case STG_S3_SOURCE_INSTANCE:
        return read_instance(keys, source, p);
    }
    return stg_raise(p, STG_E_INTERNAL, "unknown source of keys");
}

stg_error_t *stg_s3_source_read(stg_s3_keys_t *keys,
                                const stg_s3_source_t *source, apr_pool_t *p)
{
    stg_s3_keys_t found = {.expires = 0};

    STG_TRY(read_kind(&found, source, p));
    if (!found.access_key || !*found.access_key || !found.secret_key ||
        !*found.secret_key)
        return stg_certain(
            stg_s3_no_keys("the source holds no complete pair of keys", p));
    *keys = found;
    return STG_OK;
}
