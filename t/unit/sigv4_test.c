/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3_endpoint.h"
#include "store/s3_xml.h"
#include "store/sigv4.h"
#include "base/text.h"

#include "check.h"

#include <apr_strings.h>

#include <jansson.h>

static apr_pool_t *pool;
static json_t *suite_json; /* the public suite of vectors */
static json_t *s3_json;    /* those for S3 */

static json_t *load(const char *name)
{
    return json_load_file(apr_pstrcat(pool, STG_FIXTURES "/sigv4/", name, NULL),
                          0, NULL);
}

static int set_up(void)
{
    apr_pool_create(&pool, NULL);
    suite_json = load("suite.json");
    s3_json = load("s3.json");
    return !suite_json || !s3_json;
}

static int tear_down(void)
{
    json_decref(suite_json);
    json_decref(s3_json);
    apr_pool_destroy(pool);
    return 0;
}

/* NULL if the member is absent or null. */
static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static apr_table_t *pairs_of(const json_t *object, const char *name)
{
    apr_table_t *pairs = apr_table_make(pool, 8);
    json_t *pair;
    size_t i;

    json_array_foreach(json_object_get(object, name), i, pair)
        apr_table_add(pairs, json_string_value(json_array_get(pair, 0)),
                      json_string_value(json_array_get(pair, 1)));
    return pairs;
}

/* "20150830T123600Z" */
static apr_time_t time_of(const char *t)
{
    return stg_s3_time(apr_psprintf(pool, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", t,
                                    t + 4, t + 6, t + 9, t + 11, t + 13));
}

static void check_steps(const json_t *expected,
                        const stg_sigv4_signer_t *signer,
                        const stg_sigv4_request_t *request)
{
    const char *canonical = stg_sigv4_canonical(request, pool);
    const char *text = stg_sigv4_string_to_sign(signer, canonical, pool);

    STG_CHECK_TEXT(canonical, text_of(expected, "canonical_request"));
    STG_CHECK_TEXT(text, text_of(expected, "string_to_sign"));
    STG_CHECK_TEXT(stg_sigv4_signature(signer, text, pool),
                   text_of(expected, "signature"));
}

static stg_sigv4_signer_t suite_signer(const json_t *test)
{
    const json_t *context = json_object_get(suite_json, "context");

    return (stg_sigv4_signer_t){.access_key = text_of(context, "access_key_id"),
                                .secret_key =
                                    text_of(context, "secret_access_key"),
                                .token = text_of(test, "token"),
                                .region = text_of(context, "region"),
                                .service = text_of(context, "service"),
                                .time = time_of(text_of(context, "timestamp"))};
}

static stg_sigv4_request_t suite_request(const json_t *test)
{
    const json_t *request = json_object_get(test, "request");
    const char *body = text_of(request, "body");

    return (stg_sigv4_request_t){
        .method = text_of(request, "method"),
        .path = stg_sigv4_path(text_of(request, "path"), pool),
        .query = pairs_of(request, "query"),
        .headers = pairs_of(request, "headers"),
        .payload = stg_digest_hex_of("sha256", body, strlen(body), pool)};
}

static void the_public_suite_of_headers_is_signed(void)
{
    json_t *test;
    size_t i;
    int count = 0;

    json_array_foreach(json_object_get(suite_json, "cases"), i, test)
    {
        const json_t *expected = json_object_get(test, "header");
        stg_sigv4_signer_t signer = suite_signer(test);
        stg_sigv4_request_t request = suite_request(test);
        apr_table_t *headers = apr_table_copy(pool, request.headers);

        if (!json_is_true(json_object_get(test, "s3_rules")))
            continue;
        apr_table_setn(headers, "X-Amz-Date",
                       stg_sigv4_date(signer.time, pool));
        if (signer.token &&
            !json_is_true(json_object_get(test, "token_after_signing")))
            apr_table_setn(headers, "X-Amz-Security-Token", signer.token);
        if (json_is_true(json_object_get(test, "sign_body")))
            apr_table_setn(headers, "x-amz-content-sha256", request.payload);
        request.headers = headers;
        check_steps(expected, &signer, &request);
        STG_CHECK_TEXT(stg_sigv4_authorization(&signer, &request, pool),
                       text_of(expected, "authorization"));
        count++;
    }
    CU_ASSERT_EQUAL(count, 32);
}

/* Paths that other services normalise stay as they are. */
static void no_path_is_normalised(void)
{
    json_t *test;
    size_t i;

    json_array_foreach(json_object_get(suite_json, "cases"), i, test)
    {
        stg_sigv4_request_t request = suite_request(test);

        if (!json_is_true(json_object_get(test, "s3_rules")))
            CU_ASSERT(strncmp(stg_sigv4_canonical(&request, pool),
                              text_of(json_object_get(test, "header"),
                                      "canonical_request"),
                              strlen(request.path) + 5) != 0);
    }
}

static stg_sigv4_signer_t s3_signer(const json_t *test)
{
    const json_t *keys = json_object_get(
        json_object_get(s3_json, "credentials"), text_of(test, "cred"));

    return (stg_sigv4_signer_t){.access_key = text_of(keys, "access_key_id"),
                                .secret_key =
                                    text_of(keys, "secret_access_key"),
                                .token = text_of(keys, "token"),
                                .region = text_of(test, "region"),
                                .service = "s3",
                                .time = time_of(text_of(test, "timestamp"))};
}

static stg_s3_endpoint_t *s3_endpoint(const json_t *test)
{
    const char *url = apr_pstrcat(pool, text_of(test, "scheme"), "://",
                                  text_of(test, "endpoint"), NULL);
    stg_s3_addressing_t addressing = STG_S3_AUTO;
    stg_s3_endpoint_t *endpoint = NULL;

    CU_ASSERT(
        stg_s3_addressing_parse(&addressing, text_of(test, "addressing")));
    STG_CHECK_OK(stg_s3_endpoint_parse(&endpoint, url, addressing,
                                       text_of(test, "bucket"), pool));
    return endpoint;
}

/* Host and path as our own code makes them from the endpoint. */
static stg_sigv4_request_t s3_request(const json_t *test)
{
    const stg_s3_endpoint_t *endpoint = s3_endpoint(test);
    const char *bucket = text_of(test, "bucket");
    apr_table_t *headers = pairs_of(test, "headers");
    stg_sigv4_request_t request = {
        .method = text_of(test, "method"),
        .path =
            stg_s3_endpoint_path(endpoint, bucket, text_of(test, "key"), pool),
        .query = pairs_of(test, "query"),
        .headers = headers,
        .payload = text_of(test, "payload_hash")};

    apr_table_setn(headers, "Host",
                   stg_s3_endpoint_host(endpoint, bucket, pool));
    STG_CHECK_TEXT(apr_table_get(headers, "Host"), text_of(test, "host"));
    STG_CHECK_TEXT(request.path, text_of(test, "path"));
    return request;
}

static void s3_requests_are_signed(void)
{
    json_t *test;
    size_t i;

    json_array_foreach(json_object_get(s3_json, "header"), i, test)
    {
        stg_sigv4_signer_t signer = s3_signer(test);
        stg_sigv4_request_t request = s3_request(test);
        apr_table_t *headers = apr_table_copy(pool, request.headers);

        apr_table_setn(headers, "x-amz-date",
                       stg_sigv4_date(signer.time, pool));
        apr_table_setn(headers, "x-amz-content-sha256", request.payload);
        if (signer.token)
            apr_table_setn(headers, "x-amz-security-token", signer.token);
        request.headers = headers;
        check_steps(test, &signer, &request);
        STG_CHECK_TEXT(stg_sigv4_authorization(&signer, &request, pool),
                       text_of(test, "authorization"));
    }
    CU_ASSERT_EQUAL(i, 24);
}

static void s3_urls_are_presigned(void)
{
    json_t *test;
    size_t i;

    json_array_foreach(json_object_get(s3_json, "presign"), i, test)
    {
        stg_sigv4_signer_t signer = s3_signer(test);
        stg_sigv4_request_t request = s3_request(test);
        apr_interval_time_t lifetime = apr_time_from_sec(
            json_integer_value(json_object_get(test, "expires")));

        request.payload = STG_SIGV4_UNSIGNED;
        STG_CHECK_TEXT(
            apr_pstrcat(pool, text_of(test, "scheme"), "://",
                        text_of(test, "host"), request.path, "?",
                        stg_sigv4_presign(&signer, &request, lifetime, pool),
                        NULL),
            text_of(test, "url"));
    }
    CU_ASSERT_EQUAL(i, 54);
}

static void the_hash_of_nothing_is_right(void)
{
    STG_CHECK_TEXT(stg_digest_hex_of("sha256", "", 0, pool), STG_SIGV4_EMPTY);
}

static void endpoints_with_more_than_a_host_are_refused(void)
{
    static const char *const urls[] = {
        "s3.example.org",    "ftp://s3.example.org",
        "https://",          "https://s3.example.org/path",
        "https://user@host", "https://host:123456",
        "https://host?x",    "https://ho st",
        "https://[::1",      "https://host:"};
    stg_s3_endpoint_t *endpoint;

    for (unsigned int i = 0; i < sizeof(urls) / sizeof(*urls); i++)
        STG_CHECK_FAILS(stg_s3_endpoint_parse(&endpoint, urls[i], STG_S3_AUTO,
                                              "bucket", pool),
                        STG_E_INVALID);
}

static void only_aws_has_buckets_in_the_host_by_itself(void)
{
    static const struct {
        const char *url, *bucket, *host;
    } cases[] = {{"https://s3.eu-west-1.amazonaws.com", "data",
                  "data.s3.eu-west-1.amazonaws.com"},
                 {"https://s3.eu-west-1.amazonaws.com", "a.b",
                  "s3.eu-west-1.amazonaws.com"},
                 {"https://s3.example.org", "data", "s3.example.org"}};
    stg_s3_endpoint_t *endpoint = NULL;

    for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        STG_CHECK_OK(stg_s3_endpoint_parse(&endpoint, cases[i].url, STG_S3_AUTO,
                                           cases[i].bucket, pool));
        STG_CHECK_TEXT(stg_s3_endpoint_host(endpoint, cases[i].bucket, pool),
                       cases[i].host);
    }
}

void stg_sigv4_suite(void)
{
    CU_pSuite suite = CU_add_suite("sigv4", set_up, tear_down);

    STG_TEST(suite, the_public_suite_of_headers_is_signed);
    STG_TEST(suite, no_path_is_normalised);
    STG_TEST(suite, s3_requests_are_signed);
    STG_TEST(suite, s3_urls_are_presigned);
    STG_TEST(suite, the_hash_of_nothing_is_right);
    STG_TEST(suite, endpoints_with_more_than_a_host_are_refused);
    STG_TEST(suite, only_aws_has_buckets_in_the_host_by_itself);
}
