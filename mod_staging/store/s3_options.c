/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_s3.h"
#include "store/s3_object.h"
#include "store/s3_parts.h"
#include "base/text.h"

#include <apr_strings.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MIN_PART = 5 * 1024 * 1024, /* of the stores */
    USUAL_PART = 16 * 1024 * 1024,
    MAX_FIRST_PART = 1024 * 1024 * 1024,
    MAX_TIMEOUT = 3600,
    MAX_PREFIX = 512
};

static const char *const known[] = {"endpoint",
                                    "public_endpoint",
                                    "region",
                                    "addressing",
                                    "access_key",
                                    "secret_key",
                                    "credentials",
                                    "ca",
                                    "part_size",
                                    "parallel",
                                    "connect_timeout",
                                    "timeout",
                                    "deadline",
                                    "stall_timeout",
                                    NULL};

static const char *option(const stg_store_config_t *config, const char *name,
                          const char *usual)
{
    const char *value = apr_table_get(config->options, name);

    return value ? value : usual;
}

static stg_error_t *bad_option(const stg_store_config_t *config,
                               const char *name, const char *expected,
                               apr_pool_t *p)
{
    return stg_raise(p, STG_E_INVALID, "store %s: %s= is %s", config->name,
                     name, expected);
}

static stg_error_t *read_duration(apr_interval_time_t *duration,
                                  const stg_store_config_t *config,
                                  const char *name, const char *usual,
                                  apr_pool_t *p)
{
    apr_off_t seconds;

    if (!stg_parse_duration(option(config, name, usual), &seconds) ||
        seconds < 1 || seconds > MAX_TIMEOUT)
        return bad_option(config, name, "a time from 1s to 1h", p);
    *duration = apr_time_from_sec(seconds);
    return STG_OK;
}

/* s3://bucket[/prefix] */
static stg_error_t *read_url(stg_s3_store_t *store,
                             const stg_store_config_t *config, apr_pool_t *p)
{
    static const char bucket_chars[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
    const char *url = config->url;
    const char *prefix;
    apr_size_t length;

    if (strncmp(url, "s3://", 5) != 0)
        return bad_option(config, "URL", "s3://bucket[/prefix]", p);
    url += 5;
    length = strspn(url, bucket_chars);
    if (length < 3 || length > 63 || (url[length] && url[length] != '/'))
        return stg_raise(p, STG_E_INVALID,
                         "store %s: the URL is s3://bucket[/prefix], and a "
                         "bucket has 3 to 63 of a-z, 0-9, dot and dash",
                         config->name);
    store->bucket = apr_pstrmemdup(p, url, length);
    prefix = url[length] ? url + length + 1 : "";
    length = strlen(prefix);
    if (length > 0 && prefix[length - 1] == '/')
        length--;
    if (length > MAX_PREFIX || strstr(prefix, "..") || strstr(prefix, "//") ||
        *prefix == '/')
        return stg_raise(p, STG_E_INVALID,
                         "store %s: the prefix is too long or has .. or //",
                         config->name);
    store->prefix = length ? apr_psprintf(p, "%.*s/", (int)length, prefix) : "";
    return STG_OK;
}

static const char *usual_region(void)
{
    const char *region = getenv("AWS_REGION");

    if (!region || !*region)
        region = getenv("AWS_DEFAULT_REGION");
    return region && *region ? region : "us-east-1";
}

static stg_error_t *read_place(stg_s3_settings_t *settings,
                               const stg_store_config_t *config,
                               const stg_s3_store_t *store, apr_pool_t *p)
{
    stg_s3_addressing_t addressing;
    stg_s3_endpoint_t *endpoint;
    const char *url;

    if (!stg_s3_addressing_parse(&addressing,
                                 option(config, "addressing", "auto")))
        return bad_option(config, "addressing", "auto, path or virtual", p);
    settings->bucket = store->bucket;
    settings->region = apr_pstrdup(p, option(config, "region", usual_region()));
    url = apr_pstrcat(p, "https://", stg_s3_endpoint_aws(settings->region, p),
                      NULL);
    url = option(config, "endpoint", url);
    STG_TRY(
        stg_s3_endpoint_parse(&endpoint, url, addressing, store->bucket, p));
    settings->endpoint = endpoint;
    url = option(config, "public_endpoint", url);
    STG_TRY(
        stg_s3_endpoint_parse(&endpoint, url, addressing, store->bucket, p));
    settings->public_endpoint = endpoint;
    settings->ca_file = apr_pstrdup(p, option(config, "ca", NULL));
    if (settings->ca_file && access(settings->ca_file, R_OK) != 0)
        return bad_option(config, "ca", "a file that can be read", p);
    return STG_OK;
}

static stg_error_t *read_keys(stg_s3_settings_t *settings,
                              const stg_store_config_t *config, apr_pool_t *p)
{
    const char *access_key = option(config, "access_key", NULL);
    const char *secret_key = option(config, "secret_key", NULL);
    const char *source = option(config, "credentials", NULL);

    if (!access_key != !secret_key || (access_key && source))
        return stg_raise(p, STG_E_INVALID,
                         "store %s: give access_key= with secret_key=, or "
                         "credentials=",
                         config->name);
    if (access_key) {
        settings->credentials =
            stg_s3_credentials_fixed(access_key, secret_key, p);
        return STG_OK;
    }
    return stg_s3_credentials_open(&settings->credentials,
                                   source ? source : "auto", settings->http,
                                   NULL, p);
}

static stg_error_t *read_parts(stg_s3_store_t *store,
                               const stg_store_config_t *config, apr_pool_t *p)
{
    apr_off_t parallel = 4;

    store->store.part_size = USUAL_PART;
    store->store.least_part = MIN_PART;
    store->store.most_parts = STG_S3_MAX_PARTS;
    if (!stg_parse_size(option(config, "part_size", "16M"),
                        &store->store.part_size) ||
        store->store.part_size < MIN_PART ||
        store->store.part_size > MAX_FIRST_PART)
        return bad_option(config, "part_size", "a size from 5M to 1G", p);
    if (!stg_parse_off(option(config, "parallel", "4"), &parallel) ||
        parallel < 1 || parallel > STG_S3_MAX_PARALLEL)
        return bad_option(config, "parallel", "a number from 1 to 32", p);
    store->store.parallel = (int)parallel;
    store->budget = config->parts;
    return STG_OK;
}

stg_error_t *stg_s3_store_open(stg_store_t **store,
                               const stg_store_config_t *config, apr_pool_t *p)
{
    stg_s3_store_t *s3 = apr_pcalloc(p, sizeof(*s3));
    stg_s3_settings_t settings = {.http = stg_http_client_create(p)};

    STG_TRY(stg_store_options_check(config, known, p));
    STG_TRY(read_url(s3, config, p));
    STG_TRY(read_place(&settings, config, s3, p));
    STG_TRY(read_keys(&settings, config, p));
    STG_TRY(read_parts(s3, config, p));
    STG_TRY(read_duration(&settings.connect_timeout, config, "connect_timeout",
                          "5s", p));
    STG_TRY(read_duration(&settings.timeout, config, "timeout", "30s", p));
    STG_TRY(read_duration(&settings.deadline, config, "deadline", "60s", p));
    STG_TRY(read_duration(&settings.stall_timeout, config, "stall_timeout",
                          "20s", p));
    s3->store.driver = &stg_store_s3_driver;
    s3->store.name = apr_pstrdup(p, config->name);
    s3->host = settings.endpoint->host;
    s3->client = stg_s3_client_create(&settings, p);
    *store = &s3->store;
    return STG_OK;
}
