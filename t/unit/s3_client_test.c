/* SPDX-License-Identifier: Apache-2.0 */
#include "store/part_buffer.h"
#include "store/s3_breaker.h"
#include "store/s3_client.h"
#include "store/s3_retry.h"
#include "store/store.h"
#include "base/clock.h"

#include "check.h"
#include "peer.h"

#include <limits.h>
#include <apr_strings.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static apr_pool_t *pool;
static stg_peer_t *peer;

static int set_up(void)
{
    stg_http_init();
    return 0;
}

static int tear_down(void)
{
    return 0;
}

static void begin(void)
{
    apr_pool_create(&pool, NULL);
    peer = stg_peer_start(pool);
}

static void end(void)
{
    stg_clock_freeze(0);
    apr_pool_destroy(pool);
}

static stg_error_t *open_store(stg_store_t **store, const char *endpoint,
                               const char *more)
{
    const char *words[] = {"s3",
                           "s3://bucket/pre",
                           apr_pstrcat(pool, "endpoint=", endpoint, NULL),
                           "access_key=A",
                           "secret_key=s",
                           more};
    stg_store_config_t *config;

    STG_TRY(stg_store_config_parse(&config, words, more ? 6 : 5, pool));
    config->parts = stg_part_budget_create(64 * 1024 * 1024, "/tmp", pool);
    return stg_store_open(store, config, pool);
}

static stg_error_t *find(stg_store_t *store)
{
    static const char key[] = "12/12345678-1234-4234-8234-123456789abc";
    stg_found_t found;

    return store->driver->head(&found, store, key, pool);
}

static stg_error_t *head(const char *endpoint)
{
    stg_store_t *store;

    STG_TRY(open_store(&store, endpoint, "timeout=2s"));
    return find(store);
}

static void a_silent_store_is_asked_again(void)
{
    peer->hang_ups = 2;
    peer->answer = stg_peer_answer(404, "", pool);
    STG_CHECK_FAILS(head(peer->url), STG_E_NOT_FOUND);
    CU_ASSERT_EQUAL(peer->requests, 3);
    CU_ASSERT(strncmp(peer->last_request,
                      "HEAD /bucket/pre/12/12345678-1234-4234-8234-"
                      "123456789abc HTTP/1.1\r\n",
                      60) == 0);
}

/* Its length has come, but not the end of its head. */
static void an_answer_without_an_end_is_none(void)
{
    peer->answer = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\nETa";
    STG_CHECK_FAILS(head(peer->url), STG_E_STORE_DOWN);
    CU_ASSERT_EQUAL(peer->requests, 5);
}

static void refusals_have_their_codes(void)
{
    static const struct {
        int status;
        stg_code_t code;
        int requests;
    } cases[] = {{403, STG_E_STORE_FAILED, 1},
                 {507, STG_E_NO_SPACE, 1},
                 {501, STG_E_STORE_FAILED, 1},
                 {500, STG_E_STORE_DOWN, 5}};

    for (int i = 0; i < 4; i++) {
        int before = peer->requests;

        peer->answer = stg_peer_answer(cases[i].status, "", pool);
        STG_CHECK_FAILS(head(peer->url), cases[i].code);
        CU_ASSERT_EQUAL(peer->requests - before, cases[i].requests);
    }
}

static apr_status_t close_socket(void *data)
{
    close(*(int *)data);
    return APR_SUCCESS;
}

/* The URL of a socket that takes connections and never says a word. */
static const char *black_hole(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int *listener = apr_palloc(pool, sizeof(*listener));

    *listener = socket(AF_INET, SOCK_STREAM, 0);
    CU_ASSERT_FATAL(bind(*listener, (void *)&address, size) == 0 &&
                    listen(*listener, 16) == 0 &&
                    getsockname(*listener, (void *)&address, &size) == 0);
    apr_pool_cleanup_register(pool, listener, close_socket,
                              apr_pool_cleanup_null);
    return apr_psprintf(pool, "http://127.0.0.1:%d", ntohs(address.sin_port));
}

static apr_interval_time_t since(apr_time_t begun)
{
    return stg_clock_monotonic() - begun;
}

static void all_attempts_of_a_call_share_one_deadline(void)
{
    apr_time_t begun = stg_clock_monotonic();
    stg_store_t *store;

    STG_CHECK_OK(open_store(&store, black_hole(), "deadline=2s"));
    STG_CHECK_FAILS(find(store), STG_E_STORE_DOWN);
    CU_ASSERT(since(begun) > apr_time_from_msec(1900));
    CU_ASSERT(since(begun) < apr_time_from_sec(4));
}

static void silence_for_a_while_makes_calls_fail_at_once(void)
{
    stg_store_t *store;
    stg_error_t *err;
    apr_time_t begun;

    STG_CHECK_OK(open_store(&store, black_hole(), "timeout=2s"));
    STG_CHECK_OK(stg_store_admit(store, pool));
    STG_CHECK_FAILS(find(store), STG_E_STORE_DOWN);
    CU_ASSERT(store->driver->is_down(store));
    begun = stg_clock_monotonic();
    err = find(store);
    STG_CHECK_FAILS(err, STG_E_STORE_DOWN);
    CU_ASSERT_EQUAL(err->retry_after, STG_S3_BREAKER_PAUSE);
    err = stg_store_admit(store, pool);
    STG_CHECK_FAILS(err, STG_E_BUSY);
    CU_ASSERT(err->retry_after > 0);
    CU_ASSERT(since(begun) < apr_time_from_sec(1));
}

static void *set_soon(void *flag)
{
    apr_sleep(apr_time_from_msec(300));
    __atomic_store_n((int *)flag, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void a_stop_ends_a_call_that_waits(void)
{
    apr_time_t begun = stg_clock_monotonic();
    stg_store_t *store;
    pthread_t thread;
    int is_stopping = 0;

    STG_CHECK_OK(open_store(&store, black_hole(), NULL));
    store = store->driver->stoppable(store, &is_stopping, pool);
    pthread_create(&thread, NULL, set_soon, &is_stopping);
    STG_CHECK_FAILS(find(store), STG_E_ENDING);
    pthread_join(thread, NULL);
    CU_ASSERT(since(begun) < apr_time_from_sec(4));
}

static void a_stop_ends_the_pause_before_a_retry(void)
{
    apr_time_t begun = stg_clock_monotonic();
    stg_store_t *store;
    pthread_t thread;
    int is_stopping = 0;

    peer->answer = "HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n"
                   "Retry-After: 20\r\n\r\n";
    STG_CHECK_OK(open_store(&store, peer->url, NULL));
    store = store->driver->stoppable(store, &is_stopping, pool);
    pthread_create(&thread, NULL, set_soon, &is_stopping);
    STG_CHECK_FAILS(find(store), STG_E_STORE_DOWN);
    pthread_join(thread, NULL);
    CU_ASSERT(since(begun) < apr_time_from_sec(4));
    CU_ASSERT_EQUAL(peer->requests, 1);
}

static void the_pause_before_a_retry_never_overflows(void)
{
    static const unsigned int numbers[] = {1, 30, 63, 64, 1U << 31, ~0U};

    for (unsigned int i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        apr_interval_time_t delay =
            stg_s3_retry_delay(STG_S3_THROTTLED, numbers[i], NULL);

        CU_ASSERT(delay >= 0);
        CU_ASSERT(delay <= apr_time_from_sec(20));
    }
}

static void the_clock_of_the_store_counts(void)
{
    stg_store_t *store;
    stg_presign_t what = {.method = "GET",
                          .key = "12/12345678-1234-4234-8234-123456789abc",
                          .lifetime = apr_time_from_sec(600)};
    const char *url = NULL;

    peer->answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n"
                   "Date: Fri, 20 Nov 2026 12:10:00 GMT\r\n\r\n";
    stg_clock_freeze(apr_time_from_sec(1795176000)); /* 12:00:00 */
    STG_CHECK_OK(open_store(&store, peer->url, NULL));
    STG_CHECK_FAILS(store->driver->ping(store, pool), STG_E_STORE_FAILED);
    CU_ASSERT_EQUAL(peer->requests, 2); /* once more, in the store's time */
    CU_ASSERT_PTR_NOT_NULL(
        strstr(peer->last_request, "x-amz-date: 20261120T121000Z"));
    STG_CHECK_FAILS(store->driver->ping(store, pool), STG_E_STORE_FAILED);
    CU_ASSERT_EQUAL(peer->requests, 3);
    STG_CHECK_OK(store->driver->presign(&url, store, &what, pool));
    CU_ASSERT_PTR_NOT_NULL(strstr(url, "X-Amz-Date=20261120T120900Z"));
    CU_ASSERT_PTR_NOT_NULL(strstr(url, "X-Amz-Expires=660"));
}

static void a_region_is_learned_once(void)
{
    stg_store_t *store;

    peer->answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n"
                   "x-amz-bucket-region: eu-north-7\r\n\r\n";
    STG_CHECK_OK(open_store(&store, peer->url, "region=here"));
    STG_CHECK_FAILS(store->driver->ping(store, pool), STG_E_STORE_FAILED);
    CU_ASSERT_EQUAL(peer->requests, 2);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(peer->last_request, "/eu-north-7/s3/aws4_request"));
}

static void signed_requests_do_not_leave_the_domain(void)
{
    stg_store_t *store;

    peer->answer = "HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\n"
                   "Location: http://evil.example.org/bucket\r\n\r\n";
    STG_CHECK_OK(open_store(&store, peer->url, NULL));
    STG_CHECK_FAILS(store->driver->ping(store, pool), STG_E_STORE_FAILED);
    CU_ASSERT_EQUAL(peer->requests, 1);
}

static void bad_options_are_refused(void)
{
    static const char *const options[] = {
        "unknown=1",       "part_size=4M",    "part_size=x",
        "parallel=0",      "parallel=33",     "addressing=odd",
        "timeout=0s",      "timeout=2h",      "deadline=0s",
        "credentials=env", "ca=/nowhere.pem", "public_endpoint=x"};
    stg_store_t *store;

    for (unsigned int i = 0; i < sizeof(options) / sizeof(*options); i++)
        STG_CHECK_FAILS(
            open_store(&store, "https://s3.example.org", options[i]),
            STG_E_INVALID);
}

static void what_is_tried_again_is_known_by_its_code(void)
{
    CU_ASSERT_EQUAL(stg_s3_class_of(400, "RequestTimeout"), STG_S3_TRANSIENT);
    CU_ASSERT_EQUAL(stg_s3_class_of(400, "BadDigest"), STG_S3_DAMAGED);
    CU_ASSERT_EQUAL(stg_s3_class_of(400, "EntityTooSmall"), STG_S3_FINAL);
    CU_ASSERT_EQUAL(stg_s3_class_of(503, NULL), STG_S3_THROTTLED);
    CU_ASSERT_EQUAL(stg_s3_class_of(502, NULL), STG_S3_TRANSIENT);
    CU_ASSERT_EQUAL(stg_s3_class_of(403, "RequestTimeTooSkewed"), STG_S3_CLOCK);
    CU_ASSERT_EQUAL(stg_s3_class_of(403, "ExpiredToken"), STG_S3_KEYS);
    CU_ASSERT_EQUAL(stg_s3_class_of(403, "AccessDenied"), STG_S3_FINAL);
    CU_ASSERT_EQUAL(stg_s3_class_of(200, "InternalError"), STG_S3_FINAL);
}

static void a_budget_ends_a_storm_and_recovers(void)
{
    stg_s3_budget_t *budget = stg_s3_budget_create(pool);
    int retries = 0;

    while (stg_s3_budget_take(budget, 0))
        retries++;
    CU_ASSERT_EQUAL(retries, 100);
    for (int i = 0; i < 10; i++)
        stg_s3_budget_return(budget);
    CU_ASSERT(stg_s3_budget_take(budget, 1));
    CU_ASSERT(!stg_s3_budget_take(budget, 0));
}

static void a_delay_has_an_end_however_often_it_doubled(void)
{
    const apr_interval_time_t most = apr_time_from_sec(20);
    const int numbers[] = {1, 2, 10, 63, 64, 65, 1000, INT_MAX - 1, INT_MAX};

    for (unsigned int i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        apr_interval_time_t delay =
            stg_s3_retry_delay(STG_S3_THROTTLED, numbers[i], NULL);

        CU_ASSERT(delay >= 0 && delay <= most);
    }
}

void stg_s3_client_suite(void)
{
    CU_pSuite suite = CU_add_suite_with_setup_and_teardown(
        "s3_client", set_up, tear_down, begin, end);

    STG_TEST(suite, a_silent_store_is_asked_again);
    STG_TEST(suite, an_answer_without_an_end_is_none);
    STG_TEST(suite, refusals_have_their_codes);
    STG_TEST(suite, all_attempts_of_a_call_share_one_deadline);
    STG_TEST(suite, silence_for_a_while_makes_calls_fail_at_once);
    STG_TEST(suite, a_stop_ends_a_call_that_waits);
    STG_TEST(suite, a_stop_ends_the_pause_before_a_retry);
    STG_TEST(suite, the_pause_before_a_retry_never_overflows);
    STG_TEST(suite, the_clock_of_the_store_counts);
    STG_TEST(suite, a_region_is_learned_once);
    STG_TEST(suite, signed_requests_do_not_leave_the_domain);
    STG_TEST(suite, bad_options_are_refused);
    STG_TEST(suite, what_is_tried_again_is_known_by_its_code);
    STG_TEST(suite, a_budget_ends_a_storm_and_recovers);
    STG_TEST(suite, a_delay_has_an_end_however_often_it_doubled);
}
