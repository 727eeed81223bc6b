/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/iam.h"
#include "auth/answer_cache.h"
#include "base/clock.h"
#include "base/log.h"

#include "check.h"
#include "mint.h"
#include "peer.h"

#include <apr_strings.h>

#define ES256 "{\"alg\":\"ES256\",\"typ\":\"JWT\"}"

static apr_pool_t *pool;
static stg_mint_t *mint;
static stg_issuers_t *issuers;
static stg_http_client_t *http;
static stg_peer_t *peer;
static stg_iam_t *iam;
static stg_principal_t *who;
static int errors_logged;

static void count_errors(const char *file, int line, stg_level_t level,
                         const char *text)
{
    (void)file;
    (void)line;
    (void)text;
    errors_logged += level == STG_LOG_ERROR;
}

static void clock_at(int seconds)
{
    stg_clock_freeze(apr_time_from_sec(MINT_NOW + seconds));
}

static int set_up(void)
{
    apr_array_header_t *list;
    const char *words[3] = {"edi", "profile=edi"};

    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 1;
    stg_http_init();
    stg_log_init(count_errors);
    mint = stg_mint_ec("prime256v1", pool);
    http = stg_http_client_create(pool);
    list = apr_array_make(pool, 1, sizeof(stg_issuer_t *));
    words[2] = apr_pstrcat(pool, "key=", mint->pem_file, NULL);
    return stg_issuer_parse(apr_array_push(list), words, 3, pool) ||
           stg_issuers_create(&issuers, list, http, pool);
}

static int tear_down(void)
{
    stg_log_init(NULL);
    stg_clock_freeze(0);
    apr_pool_destroy(pool);
    return 0;
}

static const char *token_of(const char *changes)
{
    return stg_mint_token(mint, ES256, stg_mint_claims(changes, NULL, pool),
                          pool);
}

static void answers(int status, const char *body)
{
    peer->answer = stg_peer_answer(status, body, pool);
}

static void answers_token(const char *token)
{
    answers(200, apr_pstrcat(pool,
                             "{\"msg\":\"Token created\",\"pasta-token\":"
                             "\"x\",\"edi-token\":\"",
                             token, "\"}", NULL));
}

/* A fresh IAM with empty caches, and a principal. */
static void begin(void)
{
    stg_iam_config_t *config;
    const char *token;

    clock_at(0);
    errors_logged = 0;
    peer = stg_peer_start(pool);
    STG_CHECK_OK(stg_iam_parse(&config, &peer->url, 1, pool));
    iam = stg_iam_create(config, issuers, http, pool);
    token = token_of("{}");
    STG_CHECK_OK(stg_jwt_verify(&who, issuers, token, strlen(token), pool));
}

static stg_error_t *exchange(const char *key)
{
    return stg_iam_exchange(&who, iam, key, pool);
}

static stg_error_t *authorize(void)
{
    return stg_iam_authorize(iam, who, "staging_uploads", "write", pool);
}

static void key_goes_in_the_body_and_comes_back_as_a_principal(void)
{
    begin();
    answers_token(token_of("{\"sub\":\"EDI-k\",\"cn\":\"Kay\"}"));
    STG_CHECK_OK(exchange("sec\"ret"));
    STG_CHECK_TEXT(who->owner, "edi:EDI-k");
    STG_CHECK_TEXT(who->name, "Kay");
    CU_ASSERT_PTR_NOT_NULL(who->token);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(peer->last_request, "POST /auth/v1/key HTTP/1.1\r\n"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(peer->last_request, "\r\nContent-Type: application/json\r\n"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(peer->last_request, "\r\nAccept: application/json\r\n"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(peer->last_request, "\r\n\r\n{\"key\":\"sec\\\"ret\"}"));
    CU_ASSERT_PTR_NULL(strstr(peer->last_request, "Cookie"));
}

static void key_is_asked_for_once_in_five_minutes(void)
{
    begin();
    answers_token(token_of("{}"));
    STG_CHECK_OK(exchange("key"));
    clock_at(299);
    STG_CHECK_OK(exchange("key"));
    CU_ASSERT_EQUAL(peer->requests, 1);
    STG_CHECK_OK(exchange("other"));
    CU_ASSERT_EQUAL(peer->requests, 2);
    clock_at(300);
    STG_CHECK_OK(exchange("key"));
    CU_ASSERT_EQUAL(peer->requests, 3);
}

static void kept_token_is_dropped_a_minute_before_it_ends(void)
{
    begin();
    answers_token(token_of("{\"exp\":1790000100}"));
    STG_CHECK_OK(exchange("key"));
    clock_at(39);
    STG_CHECK_OK(exchange("key"));
    CU_ASSERT_EQUAL(peer->requests, 1);
    clock_at(40);
    STG_CHECK_OK(exchange("key"));
    CU_ASSERT_EQUAL(peer->requests, 2);
}

static void unknown_key_is_a_bad_credential(void)
{
    begin();
    answers(401, "{\"msg\":\"Invalid API key\"}");
    STG_CHECK_FAILS(exchange("key"), STG_E_BAD_CREDENTIAL);
    STG_CHECK_FAILS(exchange(""), STG_E_BAD_CREDENTIAL);
    STG_CHECK_FAILS(exchange("\xff"), STG_E_BAD_CREDENTIAL);
    CU_ASSERT_EQUAL(peer->requests, 1);
}

static void token_from_the_iam_is_verified_like_any_other(void)
{
    stg_mint_t *forger = stg_mint_ec("prime256v1", pool);
    const char *claims = stg_mint_claims("{}", NULL, pool);

    begin();
    answers_token(stg_mint_token(forger, ES256, claims, pool));
    STG_CHECK_FAILS(exchange("a"), STG_E_BAD_CREDENTIAL);
    answers_token(stg_mint_hmac_token("", "{\"alg\":\"none\"}", claims, pool));
    STG_CHECK_FAILS(exchange("a"), STG_E_BAD_CREDENTIAL);
    answers_token(token_of("{\"exp\":1789999999}"));
    STG_CHECK_FAILS(exchange("a"), STG_E_BAD_CREDENTIAL);
    answers_token("x; edi-token=y");
    STG_CHECK_FAILS(exchange("a"), STG_E_BAD_CREDENTIAL);
}

static void iam_that_is_not_itself_is_down(void)
{
    static const struct {
        int status;
        const char *body;
    } oddities[] = {
        {500, "<h1>Internal Server Error</h1>"},
        {503, ""},
        {303, ""},
        {301, ""},
        {204, ""},
        {400, "{}"},
        {404, "{\"detail\":\"Not Found\"}"},
        {200, ""},
        {200, "[]"},
        {200, "{\"edi-token\":"},
        {200, "{\"edi-token\":null}"},
    };

    begin();
    for (apr_size_t i = 0; i < sizeof(oddities) / sizeof(oddities[0]); i++) {
        stg_error_t *err;

        answers(oddities[i].status, oddities[i].body);
        err = exchange("key");
        STG_CHECK_FAILS(err, STG_E_IAM_DOWN);
        CU_ASSERT(err && err->retry_after > 0);
        /* neither a grant */
        if (oddities[i].status == 200 || oddities[i].status == 404)
            continue;
        STG_CHECK_FAILS(authorize(), STG_E_IAM_DOWN);
    }
}

static void cut_answer_is_no_answer(void)
{
    begin();
    peer->answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"edi";
    STG_CHECK_FAILS(exchange("key"), STG_E_IAM_DOWN);
    STG_CHECK_FAILS(authorize(), STG_E_IAM_DOWN);
}

static void lost_connection_is_tried_once_more(void)
{
    begin();
    peer->hang_ups = 1;
    answers(200, "{}");
    STG_CHECK_OK(authorize());
    CU_ASSERT_EQUAL(peer->requests, 2);
}

static void unreachable_iam_is_down(void)
{
    const char *nobody = "http://127.0.0.1:1";
    stg_iam_config_t *config;
    stg_error_t *err;

    begin();
    STG_CHECK_OK(stg_iam_parse(&config, &nobody, 1, pool));
    iam = stg_iam_create(config, issuers, http, pool);
    err = authorize();
    STG_CHECK_FAILS(err, STG_E_IAM_DOWN);
    CU_ASSERT(err && err->retry_after > 0);
    STG_CHECK_FAILS(exchange("key"), STG_E_IAM_DOWN);
}

static void grant_is_asked_for_with_the_cookie(void)
{
    const char *line = "GET /auth/v1/authorized?resource_key=staging_uploads"
                       "&permission=write HTTP/1.1\r\n";

    begin();
    answers(200, "not read at all");
    STG_CHECK_OK(authorize());
    CU_ASSERT_PTR_NOT_NULL(strstr(peer->last_request, line));
    CU_ASSERT_PTR_NOT_NULL(strstr(
        peer->last_request,
        apr_pstrcat(pool, "\r\nCookie: edi-token=", who->token, "\r\n", NULL)));
    CU_ASSERT_PTR_NULL(strstr(peer->last_request, "Authorization"));
    answers(200, "");
    STG_CHECK_OK(stg_iam_authorize(iam, who, "a b&c=d/e", "read", pool));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(peer->last_request,
               "?resource_key=a%20b%26c%3Dd%2Fe&permission=read "));
}

static void grant_is_kept_for_a_minute(void)
{
    begin();
    answers(200, "{}");
    STG_CHECK_OK(authorize());
    answers(403, "{}");
    clock_at(59);
    STG_CHECK_OK(authorize());
    CU_ASSERT_EQUAL(peer->requests, 1);
    clock_at(60);
    STG_CHECK_FAILS(authorize(), STG_E_FORBIDDEN);
    CU_ASSERT_EQUAL(peer->requests, 2);
}

static void refusal_is_kept_for_five_seconds(void)
{
    begin();
    answers(403, "{}");
    STG_CHECK_FAILS(authorize(), STG_E_FORBIDDEN);
    answers(200, "{}");
    clock_at(4);
    STG_CHECK_FAILS(authorize(), STG_E_FORBIDDEN);
    CU_ASSERT_EQUAL(peer->requests, 1);
    clock_at(5);
    STG_CHECK_OK(authorize());
}

static void grant_is_for_one_subject_resource_and_permission(void)
{
    const char *other = token_of("{\"sub\":\"EDI-other\"}");

    begin();
    answers(200, "{}");
    STG_CHECK_OK(authorize());
    answers(403, "{}");
    STG_CHECK_FAILS(
        stg_iam_authorize(iam, who, "staging_upload", "write", pool),
        STG_E_FORBIDDEN);
    STG_CHECK_FAILS(stg_iam_authorize(iam, who, "staging_uploads",
                                      "changePermission", pool),
                    STG_E_FORBIDDEN);
    STG_CHECK_OK(stg_jwt_verify(&who, issuers, other, strlen(other), pool));
    STG_CHECK_FAILS(authorize(), STG_E_FORBIDDEN);
}

static void failures_are_not_kept(void)
{
    begin();
    answers(500, "");
    STG_CHECK_FAILS(authorize(), STG_E_IAM_DOWN);
    answers(401, "");
    STG_CHECK_FAILS(authorize(), STG_E_BAD_CREDENTIAL);
    answers(200, "");
    STG_CHECK_OK(authorize());
}

static void missing_resource_is_refused_and_logged(void)
{
    begin();
    answers(404, "{\"msg\":\"Not found: ...\"}");
    STG_CHECK_FAILS(authorize(), STG_E_FORBIDDEN);
    CU_ASSERT_EQUAL(errors_logged, 1);
}

static void only_a_token_gets_into_the_cookie(void)
{
    stg_principal_t *odd;

    begin();
    answers(200, "{}");
    odd = stg_principal_create("edi", "EDI-odd", pool);
    STG_CHECK_FAILS(stg_iam_authorize(iam, odd, "r", "write", pool),
                    STG_E_BAD_CREDENTIAL);
    odd->token = "a.b.c; x=y";
    STG_CHECK_FAILS(stg_iam_authorize(iam, odd, "r", "write", pool),
                    STG_E_BAD_CREDENTIAL);
    CU_ASSERT_EQUAL(peer->requests, 0);
}

static void wrong_iam_is_explained_to_the_administrator(void)
{
    static const char *const lines[][2] = {
        {"http://iam.example", NULL}, {"ftp://iam.example", NULL},
        {"https://", NULL},           {"https://a?key=x", NULL},
        {"https://u:p@iam", NULL},    {"https://iam", "cafile"},
        {"https://iam", "ca="},
    };
    const char *good[] = {"https://iam.example/", "ca=/etc/ca.pem"};
    stg_iam_config_t *config = NULL;

    for (apr_size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        STG_CHECK_FAILS(
            stg_iam_parse(&config, lines[i], lines[i][1] ? 2 : 1, pool),
            STG_E_INVALID);
    STG_CHECK_OK(stg_iam_parse(&config, good, 2, pool));
    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    STG_CHECK_TEXT(config->url, "https://iam.example");
    STG_CHECK_TEXT(config->ca_file, "/etc/ca.pem");
}

static void cache_stays_bounded_and_keeps_the_newest(void)
{
    stg_answer_cache_t *cache = stg_answer_cache_create(pool);
    int kept = 0;

    clock_at(0);
    for (int i = 0; i < 20000; i++) {
        char name[16];
        stg_question_t question;

        apr_snprintf(name, sizeof(name), "%d", i);
        question = stg_question_of(name, NULL);
        stg_answer_put(cache, &question, STG_ALLOWED, name,
                       stg_clock_now() + apr_time_from_sec(60) + i);
        CU_ASSERT_EQUAL(stg_answer_get(NULL, cache, &question, pool),
                        STG_ALLOWED);
    }
    for (int i = 0; i < 20000; i++) {
        stg_question_t question = stg_question_of(apr_itoa(pool, i), NULL);
        const char *detail = NULL;

        if (stg_answer_get(&detail, cache, &question, pool) != STG_ALLOWED)
            continue;
        kept++;
        STG_CHECK_TEXT(detail, apr_itoa(pool, i));
    }
    CU_ASSERT(kept > 3500 && kept <= 4096);
}

static void questions_differ_by_where_their_texts_end(void)
{
    stg_question_t a = stg_question_of("ab", "c", NULL);
    stg_question_t b = stg_question_of("a", "bc", NULL);
    stg_question_t c = stg_question_of("ab", "c", NULL);

    CU_ASSERT(memcmp(&a, &b, sizeof(a)) != 0);
    CU_ASSERT(memcmp(&a, &c, sizeof(a)) == 0);
}

void stg_iam_suite(void)
{
    CU_pSuite suite = CU_add_suite("iam", set_up, tear_down);

    STG_TEST(suite, key_goes_in_the_body_and_comes_back_as_a_principal);
    STG_TEST(suite, key_is_asked_for_once_in_five_minutes);
    STG_TEST(suite, kept_token_is_dropped_a_minute_before_it_ends);
    STG_TEST(suite, unknown_key_is_a_bad_credential);
    STG_TEST(suite, token_from_the_iam_is_verified_like_any_other);
    STG_TEST(suite, iam_that_is_not_itself_is_down);
    STG_TEST(suite, cut_answer_is_no_answer);
    STG_TEST(suite, lost_connection_is_tried_once_more);
    STG_TEST(suite, unreachable_iam_is_down);
    STG_TEST(suite, grant_is_asked_for_with_the_cookie);
    STG_TEST(suite, grant_is_kept_for_a_minute);
    STG_TEST(suite, refusal_is_kept_for_five_seconds);
    STG_TEST(suite, grant_is_for_one_subject_resource_and_permission);
    STG_TEST(suite, failures_are_not_kept);
    STG_TEST(suite, missing_resource_is_refused_and_logged);
    STG_TEST(suite, only_a_token_gets_into_the_cookie);
    STG_TEST(suite, wrong_iam_is_explained_to_the_administrator);
    STG_TEST(suite, cache_stays_bounded_and_keeps_the_newest);
    STG_TEST(suite, questions_differ_by_where_their_texts_end);
}
