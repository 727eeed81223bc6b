/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/jwks.h"
#include "auth/key_set.h"
#include "base/clock.h"

#include "check.h"
#include "mint.h"
#include "peer.h"

#include <apr_file_io.h>
#include <apr_strings.h>

#include <pthread.h>

enum { THREADS = 8 };

static apr_pool_t *pool;
static stg_mint_t *ec;
static stg_mint_t *rsa;
static stg_http_client_t *http;
static stg_peer_t *peer;
static stg_jwks_t *jwks;

static int set_up(void)
{
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 1;
    stg_http_init();
    ec = stg_mint_ec("prime256v1", pool);
    rsa = stg_mint_rsa(2048, pool);
    http = stg_http_client_create(pool);
    return 0;
}

static int tear_down(void)
{
    stg_clock_freeze(0);
    apr_pool_destroy(pool);
    return 0;
}

static void clock_at(int seconds)
{
    stg_clock_freeze(apr_time_from_sec(MINT_NOW + seconds));
}

static const char *set_of(const char *keys)
{
    return apr_pstrcat(pool, "{\"keys\":[", keys, "]}", NULL);
}

static int size_of(const char *document)
{
    stg_key_set_t *set = NULL;
    int size = -1;

    if (!stg_key_set_parse(&set, document, strlen(document), pool)) {
        size = stg_key_set_size(set);
        stg_key_set_release(set);
    }
    return size;
}

/* An issuer whose key set this peer serves, at the beginning of time. */
static void serve(const char *document)
{
    stg_issuer_t issuer = {.name = "lab"};

    clock_at(0);
    peer = stg_peer_start(pool);
    peer->answer = stg_peer_answer(200, document, pool);
    issuer.jwks = apr_pstrcat(pool, peer->url, "/keys", NULL);
    STG_CHECK_OK(stg_jwks_create(&jwks, &issuer, http, pool));
}

static stg_error_t *find(stg_jwa_t algorithm, const char *kid)
{
    apr_array_header_t *keys = NULL;
    stg_error_t *err = stg_jwks_find(&keys, jwks, algorithm, kid, pool);

    CU_ASSERT(err || keys->nelts > 0);
    return err;
}

static void keys_of_a_set_are_counted(void)
{
    CU_ASSERT_EQUAL(size_of("{\"keys\":[]}"), 0);
    CU_ASSERT_EQUAL(size_of(set_of(stg_mint_jwk(ec, "a", "", pool))), 1);
    CU_ASSERT_EQUAL(
        size_of(set_of(apr_pstrcat(pool, stg_mint_jwk(ec, "a", "", pool), ",",
                                   stg_mint_jwk(rsa, "b", "", pool), NULL))),
        2);
}

static void keys_of_no_use_are_left_out(void)
{
    stg_mint_t *weak = stg_mint_rsa(1024, pool);

    CU_ASSERT_EQUAL(size_of(set_of("{\"kty\":\"oct\",\"k\":\"AAAA\"}")), 0);
    CU_ASSERT_EQUAL(size_of(set_of("{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
                                   "\"x\":\"AAAA\"}")),
                    0);
    CU_ASSERT_EQUAL(size_of(set_of("{\"kty\":\"EC\",\"crv\":\"P-256\","
                                   "\"x\":\"AAAA\",\"y\":\"AAAA\"}")),
                    0);
    CU_ASSERT_EQUAL(size_of(set_of("7,null,\"x\",{},[]")), 0);
    CU_ASSERT_EQUAL(size_of(set_of(stg_mint_jwk(weak, "w", "", pool))), 0);
    CU_ASSERT_EQUAL(
        size_of(set_of(stg_mint_jwk(ec, "a", ",\"use\":\"enc\"", pool))), 0);
    CU_ASSERT_EQUAL(
        size_of(set_of(stg_mint_jwk(ec, "a", ",\"key_ops\":[\"sign\"]", pool))),
        0);
    CU_ASSERT_EQUAL(
        size_of(set_of(stg_mint_jwk(ec, "a", ",\"alg\":\"RS256\"", pool))), 0);
    CU_ASSERT_EQUAL(
        size_of(set_of(stg_mint_jwk(ec, "a",
                                    ",\"use\":\"sig\",\"key_ops\":[\"verify\"],"
                                    "\"alg\":\"ES256\",\"x5t\":\"x\"",
                                    pool))),
        1);
}

static void what_is_no_key_set_is_refused(void)
{
    char *large = apr_palloc(pool, STG_KEY_SET_MAX_BYTES + 2);
    const char *many = "{}";

    CU_ASSERT_EQUAL(size_of(""), -1);
    CU_ASSERT_EQUAL(size_of("[]"), -1);
    CU_ASSERT_EQUAL(size_of("{}"), -1);
    CU_ASSERT_EQUAL(size_of("{\"keys\":{}}"), -1);
    CU_ASSERT_EQUAL(size_of("{\"keys\":[}"), -1);
    memset(large, ' ', STG_KEY_SET_MAX_BYTES + 1);
    memcpy(large, "{\"keys\":[]}", 11);
    large[STG_KEY_SET_MAX_BYTES + 1] = '\0';
    CU_ASSERT_EQUAL(size_of(large), -1);
    for (int i = 0; i < STG_KEY_SET_MAX_KEYS; i++)
        many = apr_pstrcat(pool, many, ",{}", NULL);
    CU_ASSERT_EQUAL(size_of(set_of(many)), -1);
}

static void key_is_found_by_its_kid_and_type(void)
{
    serve(set_of(apr_pstrcat(pool, stg_mint_jwk(ec, "a", "", pool), ",",
                             stg_mint_jwk(rsa, "b", "", pool), NULL)));
    STG_CHECK_OK(find(STG_ES256, "a"));
    STG_CHECK_OK(find(STG_ES256, NULL));
    STG_CHECK_OK(find(STG_RS256, "b"));
    STG_CHECK_OK(find(STG_PS512, "b"));
    STG_CHECK_FAILS(find(STG_ES256, "b"), STG_E_BAD_CREDENTIAL);
    STG_CHECK_FAILS(find(STG_ES384, "a"), STG_E_BAD_CREDENTIAL);
    CU_ASSERT_EQUAL(peer->requests, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(peer->last_request, "GET /keys HTTP/1.1"));
}

static void unknown_kids_fetch_once_a_minute(void)
{
    serve(set_of(stg_mint_jwk(ec, "a", "", pool)));
    for (int i = 0; i < 10000; i++) {
        apr_pool_t *turn;

        apr_pool_create(&turn, pool);
        STG_CHECK_FAILS(find(STG_ES256, apr_itoa(turn, i)),
                        STG_E_BAD_CREDENTIAL);
        apr_pool_destroy(turn);
    }
    CU_ASSERT_EQUAL(peer->requests, 1);
    clock_at(59);
    STG_CHECK_FAILS(find(STG_ES256, "b"), STG_E_BAD_CREDENTIAL);
    CU_ASSERT_EQUAL(peer->requests, 1);
    clock_at(60);
    STG_CHECK_FAILS(find(STG_ES256, "b"), STG_E_BAD_CREDENTIAL);
    CU_ASSERT_EQUAL(peer->requests, 2);
}

static void new_key_is_found_after_rotation(void)
{
    serve(set_of(stg_mint_jwk(ec, "a", "", pool)));
    STG_CHECK_OK(find(STG_ES256, "a"));
    peer->answer =
        stg_peer_answer(200, set_of(stg_mint_jwk(ec, "b", "", pool)), pool);
    STG_CHECK_FAILS(find(STG_ES256, "b"), STG_E_BAD_CREDENTIAL);
    clock_at(60);
    STG_CHECK_OK(find(STG_ES256, "b"));
    STG_CHECK_FAILS(find(STG_ES256, "a"), STG_E_BAD_CREDENTIAL);
}

static void withdrawn_key_ends_within_an_hour(void)
{
    serve(set_of(stg_mint_jwk(ec, "a", "", pool)));
    STG_CHECK_OK(find(STG_ES256, "a"));
    peer->answer = stg_peer_answer(200, "{\"keys\":[]}", pool);
    clock_at(3599);
    STG_CHECK_OK(find(STG_ES256, "a"));
    clock_at(3600);
    STG_CHECK_FAILS(find(STG_ES256, "a"), STG_E_BAD_CREDENTIAL);
}

static void failure_keeps_the_old_keys(void)
{
    static const char *const bodies[] = {"", "<html>", "{\"keys\":7}"};
    int at = 3600;

    serve(set_of(stg_mint_jwk(ec, "a", "", pool)));
    STG_CHECK_OK(find(STG_ES256, "a"));
    for (int i = 0; i < 3; i++, at += 60) {
        peer->answer = stg_peer_answer(200, bodies[i], pool);
        clock_at(at);
        STG_CHECK_OK(find(STG_ES256, "a"));
    }
    peer->answer =
        stg_peer_answer(500, set_of(stg_mint_jwk(ec, "b", "", pool)), pool);
    clock_at(at);
    STG_CHECK_OK(find(STG_ES256, "a"));
    STG_CHECK_FAILS(find(STG_ES256, "b"), STG_E_IAM_DOWN);
    CU_ASSERT_EQUAL(peer->requests, 5);
}

static void without_any_keys_nobody_gets_in(void)
{
    stg_error_t *err;

    serve("");
    peer->answer = NULL;
    err = find(STG_ES256, "a");
    STG_CHECK_FAILS(err, STG_E_IAM_DOWN);
    CU_ASSERT(err && err->retry_after > 0);
    STG_CHECK_FAILS(find(STG_ES256, NULL), STG_E_IAM_DOWN);
    CU_ASSERT(peer->requests <= 2); /* the client itself may try twice */
}

static void *find_in_thread(void *failures)
{
    apr_array_header_t *keys;
    apr_pool_t *p;

    apr_pool_create(&p, NULL);
    if (stg_jwks_find(&keys, jwks, STG_ES256, "a", p))
        ++*(_Atomic int *)failures;
    apr_pool_destroy(p);
    return NULL;
}

static void threads_share_one_fetch(void)
{
    pthread_t threads[THREADS];
    _Atomic int failures = 0;

    serve(set_of(stg_mint_jwk(ec, "a", "", pool)));
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, find_in_thread, &failures);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CU_ASSERT_EQUAL(failures, 0);
    CU_ASSERT_EQUAL(peer->requests, 1);
}

static void file_is_read_again_when_a_key_is_missing(void)
{
    stg_issuer_t issuer = {.name = "lab"};
    const char *next =
        stg_mint_file(set_of(stg_mint_jwk(ec, "b", "", pool)), pool);

    clock_at(0);
    issuer.jwks = stg_mint_file(set_of(stg_mint_jwk(ec, "a", "", pool)), pool);
    STG_CHECK_OK(stg_jwks_create(&jwks, &issuer, NULL, pool));
    STG_CHECK_OK(find(STG_ES256, "a"));
    apr_file_rename(next, issuer.jwks, pool);
    STG_CHECK_OK(find(STG_ES256, "b"));
    apr_file_remove(issuer.jwks, pool);
    clock_at(4000);
    STG_CHECK_OK(find(STG_ES256, "b"));
}

static stg_error_t *create_with_pem(const char *file)
{
    stg_issuer_t issuer = {.name = "lab"};
    apr_array_header_t *files = apr_array_make(pool, 1, sizeof(char *));

    APR_ARRAY_PUSH(files, const char *) = file;
    issuer.key_files = files;
    return stg_jwks_create(&jwks, &issuer, NULL, pool);
}

static void pem_files_without_a_good_key_are_refused(void)
{
    stg_mint_t *weak = stg_mint_rsa(1024, pool);
    stg_mint_t *odd = stg_mint_ec("secp224r1", pool);

    STG_CHECK_OK(create_with_pem(rsa->pem_file));
    STG_CHECK_OK(find(STG_RS256, "whatever"));
    STG_CHECK_FAILS(create_with_pem("/nowhere/key.pem"), STG_E_INVALID);
    STG_CHECK_FAILS(create_with_pem(stg_mint_file("no key", pool)),
                    STG_E_INVALID);
    STG_CHECK_FAILS(create_with_pem(weak->pem_file), STG_E_INVALID);
    STG_CHECK_FAILS(create_with_pem(odd->pem_file), STG_E_INVALID);
}

void stg_jwks_suite(void)
{
    CU_pSuite suite = CU_add_suite("jwks", set_up, tear_down);

    STG_TEST(suite, keys_of_a_set_are_counted);
    STG_TEST(suite, keys_of_no_use_are_left_out);
    STG_TEST(suite, what_is_no_key_set_is_refused);
    STG_TEST(suite, key_is_found_by_its_kid_and_type);
    STG_TEST(suite, unknown_kids_fetch_once_a_minute);
    STG_TEST(suite, new_key_is_found_after_rotation);
    STG_TEST(suite, withdrawn_key_ends_within_an_hour);
    STG_TEST(suite, failure_keeps_the_old_keys);
    STG_TEST(suite, without_any_keys_nobody_gets_in);
    STG_TEST(suite, threads_share_one_fetch);
    STG_TEST(suite, file_is_read_again_when_a_key_is_missing);
    STG_TEST(suite, pem_files_without_a_good_key_are_refused);
}
