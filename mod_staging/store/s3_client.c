/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3_client.h"
#include "store/s3_breaker.h"
#include "store/s3_place.h"
#include "store/s3_retry.h"
#include "store/s3_xml.h"
#include "store/sigv4.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <apr_strings.h>

#include <assert.h>
#include <string.h>

enum {
    ATTEMPTS = 5,
    SLOWEST = 64 * 1024 /* bytes per second that a transfer is waited for */
};

#define MAX_PRESIGNED apr_time_from_sec(7 * 24 * 3600)
#define BACKDATE apr_time_from_sec(60)

/* What clients of one store share is behind pointers: see
 * stg_s3_client_stoppable(). */
struct stg_s3_client_t {
    stg_s3_settings_t settings;
    stg_s3_budget_t *budget;
    stg_s3_breaker_t *breaker;
    stg_s3_place_t *place;
    const int *is_stopping; /* or NULL */
};

/* A call under way, over all its attempts. */
typedef struct attempt_t {
    stg_s3_client_t *client;
    const stg_s3_call_t *call;
    const char *host;    /* of a redirect, for this call only */
    apr_time_t deadline; /* monotonic; for all attempts */
    int number;
    int is_clock_news;   /* of the last answer: we were off */
    unsigned int mended; /* 1 << class of what was mended once already */
    apr_pool_t *pool;
} attempt_t;

stg_s3_client_t *stg_s3_client_create(const stg_s3_settings_t *settings,
                                      apr_pool_t *p)
{
    stg_s3_client_t *client = apr_pcalloc(p, sizeof(*client));

    client->settings = *settings;
    client->budget = stg_s3_budget_create(p);
    client->breaker = stg_s3_breaker_create(p);
    client->place = stg_s3_place_create(settings->region, p);
    return client;
}

stg_s3_client_t *stg_s3_client_stoppable(const stg_s3_client_t *client,
                                         const int *is_stopping, apr_pool_t *p)
{
    stg_s3_client_t *stoppable = apr_pmemdup(p, client, sizeof(*client));

    stoppable->is_stopping = is_stopping;
    return stoppable;
}

apr_interval_time_t stg_s3_client_offset(const stg_s3_client_t *client)
{
    return stg_s3_place_offset(client->place);
}

int stg_s3_client_is_down(const stg_s3_client_t *client)
{
    return stg_s3_breaker_is_down(client->breaker);
}

/* AWS has one endpoint per region: a learned region moves the host. */
static const char *host_of(const stg_s3_endpoint_t *endpoint,
                           const stg_s3_client_t *client, const char *region,
                           apr_pool_t *p)
{
    stg_s3_endpoint_t moved = *endpoint;

    if (strcmp(region, client->settings.region) != 0 &&
        stg_s3_endpoint_is_aws(endpoint))
        moved.host = stg_s3_endpoint_aws(region, p);
    return stg_s3_endpoint_host(&moved, client->settings.bucket, p);
}

static const char *payload_of(const stg_s3_call_t *call, apr_pool_t *p)
{
    if (call->body_size == 0)
        return STG_SIGV4_EMPTY;
    if (!call->is_body_hashed)
        return STG_SIGV4_UNSIGNED;
    return stg_digest_hex_of("sha256", call->body, (apr_size_t)call->body_size,
                             p);
}

/* All headers that go out, signed; the request's path and query are set. */
static stg_error_t *sign(apr_table_t **headers, stg_sigv4_request_t *request,
                         attempt_t *attempt, const char *host,
                         const char *region)
{
    stg_s3_client_t *client = attempt->client;
    const stg_s3_call_t *call = attempt->call;
    apr_pool_t *p = attempt->pool;
    apr_table_t *all =
        call->headers ? apr_table_copy(p, call->headers) : apr_table_make(p, 6);
    stg_sigv4_signer_t signer = {.region = region, .service = "s3"};
    const stg_s3_keys_t *keys;

    STG_TRY(stg_s3_credentials_get(&keys, client->settings.credentials, 0, p));
    signer.access_key = keys->access_key;
    signer.secret_key = keys->secret_key;
    signer.time = stg_clock_now() + stg_s3_client_offset(client);
    request->method = call->method;
    request->path = stg_s3_endpoint_path(client->settings.endpoint,
                                         client->settings.bucket, call->key, p);
    request->query = call->query;
    request->headers = all;
    request->payload = payload_of(call, p);
    apr_table_setn(all, "Host", host);
    apr_table_setn(all, "x-amz-date", stg_sigv4_date(signer.time, p));
    apr_table_setn(all, "x-amz-content-sha256", request->payload);
    if (keys->token)
        apr_table_set(all, "x-amz-security-token", keys->token);
    apr_table_setn(all, "Authorization",
                   stg_sigv4_authorization(&signer, request, p));
    *headers = all;
    return STG_OK;
}

/* How long a call waits, beside the transfer. */
static apr_interval_time_t patience(const attempt_t *attempt,
                                    apr_interval_time_t usual)
{
    const stg_s3_call_t *call = attempt->call;

    if (call->timeout)
        return call->timeout;
    return usual + apr_time_from_sec(call->body_size / SLOWEST);
}

static int is_cancelled(const attempt_t *attempt)
{
    return !stg_s3_retry_sleep(0, attempt->call->is_cancelled,
                               attempt->client->is_stopping);
}

/* How long one attempt may take: no longer than all of them. */
static apr_interval_time_t timeout_of(const attempt_t *attempt)
{
    apr_interval_time_t one =
        patience(attempt, attempt->client->settings.timeout);
    apr_interval_time_t left = attempt->deadline - stg_clock_monotonic();

    if (attempt->call->sink)
        return 0; /* a download is as slow as its reader */
    if (left < one)
        one = left;
    return one < APR_USEC_PER_SEC / 1000 ? APR_USEC_PER_SEC / 1000 : one;
}

static stg_http_request_t http_request(const attempt_t *attempt)
{
    const stg_s3_call_t *call = attempt->call;
    const stg_s3_settings_t *settings = &attempt->client->settings;
    stg_http_request_t request = {
        .method = call->method,
        .body = call->body,
        .body_size = call->body_size,
        .body_fd = call->body_fd,
        .connect_timeout = settings->connect_timeout,
        .timeout = timeout_of(attempt),
        .stall_timeout = call->timeout ? 0 : settings->stall_timeout,
        .ca_file = settings->ca_file,
        .is_sent_once = call->is_counted,
        .is_cancelled = call->is_cancelled,
        .is_stopping = attempt->client->is_stopping,
    };

    return request;
}

/* Only silence counts, and neither that of a call that we ended nor that of
 * a download whose reader went to sleep. */
static void note_outcome(const attempt_t *attempt, apr_time_t begun,
                         const stg_error_t *err)
{
    stg_s3_breaker_t *breaker = attempt->client->breaker;

    if (!err || err->code != STG_E_STORE_DOWN)
        stg_s3_breaker_answered(breaker, stg_clock_monotonic());
    else if (!attempt->call->sink && !is_cancelled(attempt))
        stg_s3_breaker_silent(breaker, begun, stg_clock_monotonic());
}

static stg_error_t *send_once(stg_s3_answer_t *answer, attempt_t *attempt)
{
    stg_s3_client_t *client = attempt->client;
    apr_pool_t *p = attempt->pool;
    const char *region = stg_s3_place_region(client->place, p);
    const char *host = attempt->host;
    stg_sigv4_request_t signed_request;
    stg_http_request_t request;
    stg_http_response_t *response;
    apr_table_t *headers;
    const char *query;
    apr_time_t begun;
    stg_error_t *err;

    if (!host)
        host = host_of(client->settings.endpoint, client, region, p);
    STG_TRY(sign(&headers, &signed_request, attempt, host, region));
    query = stg_sigv4_query(signed_request.query, p);
    request = http_request(attempt);
    request.url =
        apr_pstrcat(p, client->settings.endpoint->scheme, "://", host,
                    signed_request.path, *query ? "?" : "", query, NULL);
    request.headers = headers;
    begun = stg_clock_monotonic();
    err = stg_http_call(&response, client->settings.http, &request,
                        attempt->call->sink, STG_S3_XML_MAX, p);
    note_outcome(attempt, begun, err);
    if (err && err->code == STG_E_STORE_DOWN)
        err->message = "the store does not answer";
    STG_TRY(err);
    attempt->is_clock_news =
        stg_s3_place_learn_clock(client->place, response->headers);
    answer->status = response->status;
    answer->headers = response->headers;
    answer->body = response->body;
    answer->body_size = response->body_size;
    answer->code = NULL;
    if (response->status / 100 != 2)
        answer->code =
            stg_s3_xml_error_code(response->body, response->body_size, p);
    return STG_OK;
}

static int learn_region(attempt_t *attempt, const stg_s3_answer_t *answer)
{
    stg_s3_client_t *client = attempt->client;
    const char *region = stg_s3_answer_header(answer, "x-amz-bucket-region");
    stg_s3_document_t *document;

    if (!region && answer->code &&
        !stg_s3_xml_parse(&document, answer->body, answer->body_size, NULL,
                          attempt->pool))
        region = apr_table_get(document->fields, "Region");
    if (!stg_s3_place_learn_region(client->place, region, attempt->pool))
        return 0;
    stg_log(STG_LOG_NOTICE, "S3 bucket %s is in region %s",
            client->settings.bucket, region);
    return 1;
}

/* Signed requests go nowhere but below the configured endpoint. */
static int follow_location(attempt_t *attempt, const stg_s3_answer_t *answer)
{
    const stg_s3_endpoint_t *endpoint = attempt->client->settings.endpoint;
    const char *location = stg_s3_answer_header(answer, "Location");
    const char *domain = strstr(endpoint->host, "amazonaws.com");
    apr_size_t scheme = strlen(endpoint->scheme), length, n;
    const char *host;

    if (answer->status != 307 || !location ||
        strncmp(location, endpoint->scheme, scheme) != 0 ||
        strncmp(location + scheme, "://", 3) != 0)
        return 0;
    if (!domain)
        domain = endpoint->host;
    location += scheme + 3;
    length = strcspn(location, "/?#@");
    host = apr_pstrmemdup(attempt->pool, location, length);
    n = strlen(domain);
    if (location[length] == '@' || length <= n || host[length - n - 1] != '.' ||
        strcmp(host + length - n, domain) != 0)
        return 0;
    attempt->host = host;
    return 1;
}

/* What one more attempt needs first; false if it would be in vain. */
static int mend(attempt_t *attempt, stg_s3_class_t class,
                const stg_s3_answer_t *answer)
{
    unsigned int bit = 1U << class;

    if (class == STG_S3_THROTTLED || class == STG_S3_TRANSIENT)
        return 1;
    if (attempt->mended & bit)
        return 0;
    /* what is left is nothing that an error without an answer could be */
    assert(answer);
    attempt->mended |= bit;
    switch (class) {
    case STG_S3_DAMAGED:
    case STG_S3_CLOCK: /* learned from the answer's Date */
        return 1;
    case STG_S3_REGION:
        return learn_region(attempt, answer) ||
               follow_location(attempt, answer);
    case STG_S3_KEYS:
        stg_s3_credentials_renew(attempt->client->settings.credentials);
        return 1;
    default:
        return 0;
    }
}

/* Is another attempt worth it, if it began after so long? */
static int is_patient(const attempt_t *attempt, apr_interval_time_t delay,
                      const stg_error_t *err)
{
    const stg_s3_call_t *call = attempt->call;
    int most = call->attempts ? call->attempts : ATTEMPTS;

    /* After a failure nobody knows what the sink has got already. */
    if (attempt->number >= most || (call->sink && err))
        return 0;
    if (is_cancelled(attempt) || stg_s3_client_is_down(attempt->client))
        return 0;
    return stg_clock_monotonic() + delay < attempt->deadline;
}

static void log_retry(const attempt_t *attempt, const stg_s3_answer_t *answer,
                      const stg_error_t *err)
{
    const stg_s3_call_t *call = attempt->call;

    stg_log(STG_LOG_INFO, "S3 %s %s is tried again: %s", call->method,
            call->key ? call->key : "(bucket)",
            err ? stg_error_text(err, attempt->pool)
                : apr_psprintf(attempt->pool, "%d %s, request %s",
                               answer->status,
                               answer->code ? answer->code : "-",
                               stg_s3_answer_id(answer)));
}

/* Wait before the next attempt; false if there shall be none. answer is NULL
 * if there is an error. */
static int may_retry(attempt_t *attempt, stg_s3_class_t class,
                     const stg_s3_answer_t *answer, const stg_error_t *err)
{
    const apr_table_t *headers = answer ? answer->headers : NULL;
    apr_interval_time_t delay =
        stg_s3_retry_delay(class, attempt->number, headers);

    if (class == STG_S3_FINAL || !is_patient(attempt, delay, err) ||
        !mend(attempt, class, answer) ||
        !stg_s3_budget_take(attempt->client->budget, err != STG_OK))
        return 0;
    log_retry(attempt, answer, err);
    return stg_s3_retry_sleep(delay, attempt->call->is_cancelled,
                              attempt->client->is_stopping);
}

static stg_error_t *is_down(apr_pool_t *p)
{
    stg_error_t *err =
        stg_raise(p, STG_E_STORE_DOWN, "the store does not answer");

    err->retry_after = STG_S3_BREAKER_PAUSE;
    return stg_because(err, p, "it did not a moment ago");
}

/* A HEAD is refused without a code. When its answer tells that our clock is
 * off, that may have been the reason. */
static stg_s3_class_t class_of(const attempt_t *attempt,
                               const stg_s3_answer_t *answer)
{
    if (answer->status == 403 && !answer->code && attempt->is_clock_news)
        return STG_S3_CLOCK;
    return stg_s3_class_of(answer->status, answer->code);
}

/* The store is not to blame for a call that was given up because of our end. */
static stg_error_t *blame(stg_error_t *err, const stg_s3_client_t *client)
{
    if (err && client->is_stopping &&
        __atomic_load_n(client->is_stopping, __ATOMIC_RELAXED)) {
        err->code = STG_E_ENDING;
        err->message = "this process is ending";
    }
    return err;
}

stg_error_t *stg_s3_call(stg_s3_answer_t **answer, stg_s3_client_t *client,
                         const stg_s3_call_t *call, apr_pool_t *p)
{
    attempt_t attempt = {.client = client, .call = call, .pool = p};
    stg_s3_answer_t *result = apr_pcalloc(p, sizeof(*result));
    stg_s3_class_t class;
    stg_error_t *err;

    if (!stg_s3_breaker_enter(client->breaker, stg_clock_monotonic()))
        return is_down(p);
    attempt.deadline =
        stg_clock_monotonic() + patience(&attempt, client->settings.deadline);
    do {
        attempt.number++;
        err = send_once(result, &attempt);
        class = err ? stg_s3_class_of_error(err) : class_of(&attempt, result);
    } while (may_retry(&attempt, class, err ? NULL : result, err));
    STG_TRY(blame(err, client));
    if (attempt.number == 1)
        stg_s3_budget_return(client->budget);
    result->attempts = attempt.number;
    *answer = result;
    return STG_OK;
}

stg_error_t *stg_s3_call_ok(stg_s3_answer_t **answer, stg_s3_client_t *client,
                            const stg_s3_call_t *call, apr_pool_t *p)
{
    stg_s3_answer_t *result;

    STG_TRY(stg_s3_call(&result, client, call, p));
    if (result->status / 100 != 2)
        return stg_s3_refusal(call, result, p);
    *answer = result;
    return STG_OK;
}

stg_error_t *stg_s3_presign(const char **url, stg_s3_client_t *client,
                            const stg_s3_call_t *call,
                            apr_interval_time_t lifetime, apr_pool_t *p)
{
    const stg_s3_endpoint_t *endpoint = client->settings.public_endpoint;
    apr_table_t *headers =
        call->headers ? apr_table_copy(p, call->headers) : apr_table_make(p, 1);
    stg_sigv4_request_t request = {.method = call->method,
                                   .query = call->query,
                                   .headers = headers,
                                   .payload = STG_SIGV4_UNSIGNED};
    stg_sigv4_signer_t signer = {.service = "s3"};
    const stg_s3_keys_t *keys;
    const char *host;

    STG_TRY(stg_s3_credentials_get(&keys, client->settings.credentials,
                                   lifetime, p));
    if (keys->expires && stg_clock_now() + lifetime > keys->expires)
        lifetime = keys->expires - stg_clock_now();
    if (lifetime < APR_USEC_PER_SEC)
        return stg_raise(p, STG_E_STORE_FAILED,
                         "the store's keys have expired");
    /* A little in the past, for clocks that are behind ours. */
    signer.time = stg_clock_now() + stg_s3_client_offset(client) - BACKDATE;
    lifetime += BACKDATE;
    if (lifetime > MAX_PRESIGNED)
        lifetime = MAX_PRESIGNED;
    signer.access_key = keys->access_key;
    signer.secret_key = keys->secret_key;
    signer.token = keys->token;
    signer.region = stg_s3_place_region(client->place, p);
    host = host_of(endpoint, client, signer.region, p);
    apr_table_setn(headers, "Host", host);
    request.path =
        stg_s3_endpoint_path(endpoint, client->settings.bucket, call->key, p);
    *url = apr_pstrcat(p, endpoint->scheme, "://", host, request.path, "?",
                       stg_sigv4_presign(&signer, &request, lifetime, p), NULL);
    return STG_OK;
}
