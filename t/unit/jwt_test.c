/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/jwt.h"
#include "auth/claims.h"
#include "base/clock.h"
#include "base/json.h"

#include "check.h"
#include "mint.h"

#include <apr_strings.h>

#define ES256 "{\"alg\":\"ES256\",\"typ\":\"JWT\"}"
#define RS256 "{\"alg\":\"RS256\"}"

static apr_pool_t *pool;
static stg_mint_t *edi;
static stg_mint_t *edi_next;
static stg_mint_t *lab;
static stg_issuers_t *issuers;

static stg_error_t *issuer_of(stg_issuer_t **issuer, const char *line)
{
    apr_array_header_t *words = apr_array_make(pool, 8, sizeof(char *));
    char *rest = apr_pstrdup(pool, line);

    for (char *word, *last; (word = apr_strtok(rest, " ", &last)) != NULL;) {
        rest = NULL;
        APR_ARRAY_PUSH(words, const char *) = word;
    }
    return stg_issuer_parse(issuer, (const char *const *)words->elts,
                            words->nelts, pool);
}

static stg_error_t *make_issuers(const char *first, const char *second)
{
    apr_array_header_t *list = apr_array_make(pool, 2, sizeof(stg_issuer_t *));

    STG_TRY(issuer_of(apr_array_push(list), first));
    STG_TRY(issuer_of(apr_array_push(list), second));
    return stg_issuers_create(&issuers, list, NULL, pool);
}

/* Two issuers: EDI's with two keys, and one with an audience and RSA. */
static int set_up(void)
{
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 1;
    stg_clock_freeze(apr_time_from_sec(MINT_NOW));
    edi = stg_mint_ec("prime256v1", pool);
    edi_next = stg_mint_ec("prime256v1", pool);
    lab = stg_mint_rsa(2048, pool);
    return make_issuers(apr_psprintf(pool, "edi profile=edi key=%s,%s",
                                     edi->pem_file, edi_next->pem_file),
                        apr_psprintf(pool,
                                     "lab iss=https://id.lab alg=RS256 key=%s "
                                     "aud=staging",
                                     lab->pem_file)) != STG_OK;
}

static int tear_down(void)
{
    stg_clock_freeze(0);
    apr_pool_destroy(pool);
    return 0;
}

static stg_error_t *verify(stg_principal_t **principal, const char *token)
{
    return stg_jwt_verify(principal, issuers, token, strlen(token), pool);
}

static const char *edi_token(const char *changes)
{
    return stg_mint_token(edi, ES256, stg_mint_claims(changes, NULL, pool),
                          pool);
}

static const char *lab_token(const char *changes)
{
    const char *all =
        apr_pstrcat(pool, "{\"iss\":\"https://id.lab\"", changes, "}", NULL);

    return stg_mint_token(lab, RS256, stg_mint_claims(all, NULL, pool), pool);
}

static void is_refused(const char *token, const char *why)
{
    stg_principal_t *principal = NULL;
    stg_error_t *err = verify(&principal, token);

    STG_CHECK_FAILS(err, STG_E_BAD_CREDENTIAL);
    CU_ASSERT_PTR_NULL(principal);
    if (err && !strstr(err->message, why))
        STG_CHECK_TEXT(err->message, why);
    /* neither a message nor a cause carries the token on */
    if (err && strlen(token) > 40) {
        CU_ASSERT_PTR_NULL(strstr(err->message, token + strlen(token) - 20));
        CU_ASSERT_PTR_NULL(err->cause);
    }
}

static void edi_token_is_a_principal_that_the_iam_is_asked_about(void)
{
    const char *token = edi_token("{}");
    stg_principal_t *who = NULL;

    STG_CHECK_OK(verify(&who, token));
    CU_ASSERT_PTR_NOT_NULL_FATAL(who);
    STG_CHECK_TEXT(who->realm, "edi");
    STG_CHECK_TEXT(who->subject,
                   "EDI-1d3d60a4d1eb1b8a4f4a4a9d0e5a0b0c1d2e3f40");
    STG_CHECK_TEXT(who->owner,
                   "edi:EDI-1d3d60a4d1eb1b8a4f4a4a9d0e5a0b0c1d2e3f40");
    STG_CHECK_TEXT(who->name, "Ada Lovelace");
    STG_CHECK_TEXT(who->token, token);
    CU_ASSERT_EQUAL(who->scopes, STG_SCOPE_ASK_IAM);
    CU_ASSERT_EQUAL(who->expires, apr_time_from_sec(MINT_NOW + 28800));
}

static void token_with_its_audience_may_read_and_write(void)
{
    stg_principal_t *who = NULL;

    STG_CHECK_OK(verify(&who, lab_token(",\"aud\":\"staging\"")));
    CU_ASSERT_PTR_NOT_NULL_FATAL(who);
    CU_ASSERT_EQUAL(who->scopes, STG_SCOPE_READ | STG_SCOPE_WRITE);
    STG_CHECK_OK(verify(&who, lab_token(",\"aud\":[\"mail\",\"staging\"]")));
}

static void either_key_of_a_rotation_is_good(void)
{
    stg_principal_t *who;

    STG_CHECK_OK(
        verify(&who, stg_mint_token(edi_next, ES256,
                                    stg_mint_claims("{}", NULL, pool), pool)));
}

static void group_token_has_nulls_and_is_good(void)
{
    stg_principal_t *who = NULL;

    STG_CHECK_OK(verify(&who, edi_token("{\"cn\":\"Vetted\",\"email\":null,"
                                        "\"idpName\":null,\"idpUid\":null,"
                                        "\"principals\":[]}")));
    CU_ASSERT_PTR_NOT_NULL_FATAL(who);
    STG_CHECK_TEXT(who->name, "Vetted");
    STG_CHECK_OK(verify(&who, edi_token("{\"cn\":null}")));
    STG_CHECK_TEXT(who->name, who->subject);
}

static void unknown_claims_and_other_scripts_are_tolerated(void)
{
    stg_principal_t *who = NULL;

    STG_CHECK_OK(verify(&who, edi_token("{\"cn\":\"Zo\\u00eb \\u5c71\","
                                        "\"avatarUrl\":\"x\",\"sn\":7,"
                                        "\"pastaGroups\":[{\"a\":{}}]}")));
    CU_ASSERT_PTR_NOT_NULL_FATAL(who);
    STG_CHECK_TEXT(who->name, "Zo\xc3\xab \xe5\xb1\xb1");
    STG_CHECK_OK(verify(&who, edi_token("{\"cn\":\"a\\nb\"}")));
    STG_CHECK_TEXT(who->name, who->subject);
}

static void expired_token_is_refused_to_the_second(void)
{
    stg_principal_t *who;

    is_refused(edi_token("{\"exp\":1790000000}"),
               "the token has expired at 2026-09-21T");
    is_refused(edi_token("{\"exp\":1789999999.5}"), "the token has expired at");
    STG_CHECK_OK(verify(&who, edi_token("{\"exp\":1790000001}")));
    STG_CHECK_OK(verify(&who, edi_token("{\"exp\":1790000000.5}")));
}

static void token_without_a_usable_end_is_refused(void)
{
    is_refused(
        stg_mint_token(edi, ES256, stg_mint_claims("{}", "exp", pool), pool),
        "exp is missing");
    is_refused(edi_token("{\"exp\":1e300}"), "no usable time");
    is_refused(edi_token("{\"exp\":-1}"), "no usable time");
    is_refused(edi_token("{\"exp\":\"1990000000\"}"), "no usable time");
    is_refused(edi_token("{\"exp\":null}"), "no usable time");
    is_refused(edi_token("{\"exp\":true}"), "no usable time");
    is_refused(edi_token("{\"exp\":9223372036854775807}"), "no usable time");
    is_refused(stg_mint_token(edi, ES256, "{\"exp\":1e999}", pool),
               "not a JWT");
}

static void token_may_be_a_minute_ahead_and_no_more(void)
{
    stg_principal_t *who;

    STG_CHECK_OK(
        verify(&who, edi_token("{\"nbf\":1790000060,\"iat\":1790000060}")));
    is_refused(edi_token("{\"nbf\":1790000061}"), "not valid before");
    is_refused(edi_token("{\"iat\":1790000061}"), "not valid before");
    is_refused(edi_token("{\"nbf\":\"soon\"}"), "no usable time");
    STG_CHECK_OK(
        verify(&who, stg_mint_token(edi, ES256,
                                    stg_mint_claims("{}", "nbf", pool), pool)));
}

static void other_issuer_domain_and_audience_are_refused(void)
{
    is_refused(edi_token("{\"iss\":\"https://evil.example\"}"),
               "no issuer is configured for tokens of "
               "\"https://evil.example\"");
    is_refused(edi_token("{\"iss\":7}"), "names no issuer");
    is_refused(edi_token("{\"iss\":\"a\\nb\"}"), "names no issuer");
    is_refused(edi_token("{\"hd\":\"example.org\"}"), "hd");
    is_refused(edi_token("{\"hd\":null}"), "hd");
    is_refused(lab_token(",\"aud\":\"mail\""), "aud");
    is_refused(lab_token(",\"aud\":[\"mail\"]"), "aud");
    is_refused(lab_token(",\"aud\":{\"staging\":1}"), "aud");
    is_refused(lab_token(""), "aud");
}

static void subject_must_be_a_short_plain_text(void)
{
    const char *sub = apr_psprintf(pool, "{\"sub\":\"%064d\"}", 0);
    stg_principal_t *who;

    STG_CHECK_OK(verify(&who, edi_token(sub)));
    is_refused(edi_token(apr_psprintf(pool, "{\"sub\":\"%065d\"}", 0)),
               "sub is missing");
    is_refused(
        stg_mint_token(edi, ES256, stg_mint_claims("{}", "sub", pool), pool),
        "sub is missing");
    is_refused(edi_token("{\"sub\":\"\"}"), "sub is missing");
    is_refused(edi_token("{\"sub\":7}"), "sub is missing");
    is_refused(edi_token("{\"sub\":[\"a\"]}"), "sub is missing");
    is_refused(edi_token("{\"sub\":\"a\\nb\"}"), "sub is missing");
    is_refused(edi_token("{\"sub\":\"a\\u007fb\"}"), "sub is missing");
    is_refused(edi_token("{\"sub\":\"a\\u0085b\"}"), "sub is missing");
    /* NUL and broken UTF-8 do not even parse */
    is_refused(stg_mint_token(edi, ES256, "{\"sub\":\"a\\u0000b\"}", pool),
               "not a JWT");
    is_refused(stg_mint_token(edi, ES256, "{\"sub\":\"a\xff\"}", pool),
               "not a JWT");
}

static void forged_signature_is_refused(void)
{
    char *token = apr_pstrdup(pool, edi_token("{}"));
    char *signature = strrchr(token, '.') + 1;
    stg_mint_t *forger = stg_mint_ec("prime256v1", pool);

    is_refused(
        stg_mint_token(forger, ES256, stg_mint_claims("{}", NULL, pool), pool),
        "signature is wrong");
    *signature = *signature == 'A' ? 'B' : 'A';
    is_refused(token, "signature is wrong");
    *signature = '\0';
    is_refused(token, "signature is wrong");
}

static void changed_claims_are_refused(void)
{
    const char *good = edi_token("{}");
    const char *other = edi_token("{\"sub\":\"EDI-0\"}");
    const char *mixed = apr_pstrcat(
        pool, apr_pstrndup(pool, other, strrchr(other, '.') - other),
        strrchr(good, '.'), NULL);

    is_refused(mixed, "signature is wrong");
}

static void unsigned_token_is_refused(void)
{
    const char *claims = stg_mint_claims("{}", NULL, pool);

    is_refused(stg_mint_hmac_token("", "{\"alg\":\"none\"}", claims, pool),
               "accepted algorithm");
    is_refused(stg_mint_hmac_token("", "{\"alg\":\"nOnE\"}", claims, pool),
               "accepted algorithm");
    is_refused(stg_mint_hmac_token("", "{}", claims, pool),
               "accepted algorithm");
    is_refused(stg_mint_hmac_token("", "{\"alg\":7}", claims, pool),
               "accepted algorithm");
}

static void public_key_is_no_shared_secret(void)
{
    const char *claims = stg_mint_claims("{}", NULL, pool);

    is_refused(
        stg_mint_hmac_token(edi->pem, "{\"alg\":\"HS256\"}", claims, pool),
        "accepted algorithm");
    is_refused(stg_mint_hmac_token(edi->pem, ES256, claims, pool),
               "signature is wrong");
}

static void algorithm_must_be_the_issuers_and_the_keys(void)
{
    const char *edi_claims = stg_mint_claims("{}", NULL, pool);

    /* signed by a good RSA key in the name of an issuer with ES256 only */
    is_refused(stg_mint_token(lab, RS256, edi_claims, pool),
               "accepted algorithm");
    /* RSA all the same, but another use of the key */
    is_refused(stg_mint_token(
                   lab, "{\"alg\":\"PS256\"}",
                   stg_mint_claims("{\"iss\":\"https://id.lab\"}", NULL, pool),
                   pool),
               "accepted algorithm");
}

static void key_of_another_type_is_never_tried(void)
{
    apr_array_header_t *list = apr_array_make(pool, 1, sizeof(stg_issuer_t *));
    stg_issuers_t *both = NULL;
    stg_principal_t *who;
    const char *token =
        stg_mint_token(lab, RS256, stg_mint_claims("{}", NULL, pool), pool);

    /* RS256 is allowed by this issuer, but its only key is on a curve */
    STG_CHECK_OK(
        issuer_of(apr_array_push(list),
                  apr_psprintf(pool, "edi profile=edi alg=ES256,RS256 key=%s",
                               edi->pem_file)));
    STG_CHECK_OK(stg_issuers_create(&both, list, NULL, pool));
    STG_CHECK_FAILS(stg_jwt_verify(&who, both, token, strlen(token), pool),
                    STG_E_BAD_CREDENTIAL);
}

static void header_that_brings_a_key_is_refused(void)
{
    stg_mint_t *forger = stg_mint_ec("prime256v1", pool);
    const char *claims = stg_mint_claims("{}", NULL, pool);
    const char *jwk = stg_mint_jwk(forger, "k", "", pool);

    is_refused(stg_mint_token(forger,
                              apr_pstrcat(pool, "{\"alg\":\"ES256\",\"jwk\":",
                                          jwk, "}", NULL),
                              claims, pool),
               "\"jwk\"");
    is_refused(stg_mint_token(edi, "{\"alg\":\"ES256\",\"jku\":\"http://x/\"}",
                              claims, pool),
               "\"jku\"");
    is_refused(stg_mint_token(edi, "{\"alg\":\"ES256\",\"x5u\":\"http://x/\"}",
                              claims, pool),
               "\"x5u\"");
    is_refused(stg_mint_token(edi, "{\"alg\":\"ES256\",\"x5c\":[\"x\"]}",
                              claims, pool),
               "\"x5c\"");
}

static void header_that_is_not_understood_is_refused(void)
{
    const char *claims = stg_mint_claims("{}", NULL, pool);
    stg_principal_t *who;

    is_refused(stg_mint_token(
                   edi, "{\"alg\":\"ES256\",\"crit\":[\"b64\"],\"b64\":false}",
                   claims, pool),
               "\"crit\"");
    is_refused(stg_mint_token(edi, "{\"alg\":\"ES256\",\"typ\":\"dpop+jwt\"}",
                              claims, pool),
               "typ");
    is_refused(
        stg_mint_token(edi, "{\"alg\":\"ES256\",\"kid\":7}", claims, pool),
        "kid");
    STG_CHECK_OK(verify(
        &who, stg_mint_token(edi, "{\"alg\":\"ES256\",\"typ\":\"at+JWT\"}",
                             claims, pool)));
    STG_CHECK_OK(
        verify(&who, stg_mint_token(edi, "{\"alg\":\"ES256\",\"kid\":\"any\"}",
                                    claims, pool)));
}

static void what_is_not_a_token_is_refused(void)
{
    static const char *const texts[] = {
        "",           ".",       "..",         "a.b",         "a.b.c",
        "a.b.c.d",    "e30.e30", "W10.W10.AA", "e30.e30.A A", "e30.e30.A+",
        "e30=.e30.AA"};
    char *large = apr_palloc(pool, STG_JWT_MAX_BYTES + 2);

    for (apr_size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        is_refused(texts[i], "the token is not");
    memset(large, 'A', STG_JWT_MAX_BYTES + 1);
    large[4] = large[8] = '.';
    large[STG_JWT_MAX_BYTES + 1] = '\0';
    is_refused(large, "longer than 8192");
}

static void name_that_comes_twice_is_refused(void)
{
    is_refused(stg_mint_token(edi, ES256,
                              "{\"sub\":\"a\",\"sub\":\"b\",\"exp\":1990000000,"
                              "\"iss\":\"https://auth.edirepository.org\","
                              "\"hd\":\"edirepository.org\"}",
                              pool),
               "not a JWT");
}

static void only_the_form_of_a_token_is_a_token(void)
{
    CU_ASSERT(stg_jwt_is_wellformed("a.b.c", 5));
    CU_ASSERT_FALSE(stg_jwt_is_wellformed("a.b.c", 3));
    CU_ASSERT_FALSE(stg_jwt_is_wellformed("a.b", 3));
    CU_ASSERT_FALSE(stg_jwt_is_wellformed("a.b.c;", 6));
    CU_ASSERT_FALSE(stg_jwt_is_wellformed("abcdefg_-", 9));
}

static void wrong_issuer_is_explained_to_the_administrator(void)
{
    static const char *const lines[][2] = {
        {"edi iss=https://a alg=ES256 key=k", "either aud= or no-aud"},
        {"edi iss=https://a alg=ES256 key=k no-aud", "needs hd="},
        {"edi iss=https://a alg=ES256 key=k aud=x no-aud", "either aud="},
        {"edi iss=https://a alg=none key=k aud=x", "is no algorithm"},
        {"edi iss=https://a alg=HS256 key=k aud=x", "is no algorithm"},
        {"edi iss=https://a alg=, key=k aud=x", "names no algorithm"},
        {"edi iss=https://a key=k aud=x", "needs alg="},
        {"edi alg=ES256 key=k aud=x", "needs iss="},
        {"edi iss=https://a alg=ES256 aud=x", "either key= or jwks="},
        {"edi profile=edi key=k jwks=f", "either key= or jwks="},
        {"edi profile=edi jwks=http://a/k", "must be https"},
        {"edi profile=edi jwks=http://127.0.0.1.evil/k", "must be https"},
        {"edi profile=edi jwks=https://u:p@a/k", "must be https"},
        {"edi profile=ldap key=k", "no profile"},
        {"edi profile=edi key=k key=l", "repeats"},
        {"edi profile=edi key=", "no value"},
        {"edi profile=edi kee=k", "no option"},
        {"account profile=edi key=k", "is taken"},
        {"httpd profile=edi key=k", "is taken"},
        {"E:x profile=edi key=k", "cannot name an issuer"},
    };
    stg_issuer_t *issuer;

    for (apr_size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        stg_error_t *err = issuer_of(&issuer, lines[i][0]);

        STG_CHECK_FAILS(err, STG_E_INVALID);
        if (err && !strstr(err->message, lines[i][1]))
            STG_CHECK_TEXT(err->message, lines[i][1]);
    }
}

static void profile_yields_to_what_is_given(void)
{
    stg_issuer_t *issuer = NULL;

    STG_CHECK_OK(issuer_of(&issuer, "t profile=edi iss=https://t key=a,b"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(issuer);
    STG_CHECK_TEXT(issuer->iss, "https://t");
    STG_CHECK_TEXT(issuer->hosted_domain, "edirepository.org");
    STG_CHECK_TEXT(issuer->audience, NULL);
    CU_ASSERT_EQUAL(issuer->algorithms, 1U << STG_ES256);
    CU_ASSERT_EQUAL(issuer->key_files->nelts, 2);
}

static void issuers_must_differ(void)
{
    const char *line =
        apr_pstrcat(pool, "edi profile=edi key=", edi->pem_file, NULL);
    stg_issuers_t *before = issuers;

    STG_CHECK_FAILS(make_issuers(line, line), STG_E_INVALID);
    STG_CHECK_FAILS(make_issuers(line, apr_pstrcat(pool, "b", line + 3, NULL)),
                    STG_E_INVALID);
    CU_ASSERT_PTR_EQUAL(issuers, before);
}

void stg_jwt_suite(void)
{
    CU_pSuite suite = CU_add_suite("jwt", set_up, tear_down);

    STG_TEST(suite, edi_token_is_a_principal_that_the_iam_is_asked_about);
    STG_TEST(suite, token_with_its_audience_may_read_and_write);
    STG_TEST(suite, either_key_of_a_rotation_is_good);
    STG_TEST(suite, group_token_has_nulls_and_is_good);
    STG_TEST(suite, unknown_claims_and_other_scripts_are_tolerated);
    STG_TEST(suite, expired_token_is_refused_to_the_second);
    STG_TEST(suite, token_without_a_usable_end_is_refused);
    STG_TEST(suite, token_may_be_a_minute_ahead_and_no_more);
    STG_TEST(suite, other_issuer_domain_and_audience_are_refused);
    STG_TEST(suite, subject_must_be_a_short_plain_text);
    STG_TEST(suite, forged_signature_is_refused);
    STG_TEST(suite, changed_claims_are_refused);
    STG_TEST(suite, unsigned_token_is_refused);
    STG_TEST(suite, public_key_is_no_shared_secret);
    STG_TEST(suite, algorithm_must_be_the_issuers_and_the_keys);
    STG_TEST(suite, key_of_another_type_is_never_tried);
    STG_TEST(suite, header_that_brings_a_key_is_refused);
    STG_TEST(suite, header_that_is_not_understood_is_refused);
    STG_TEST(suite, what_is_not_a_token_is_refused);
    STG_TEST(suite, name_that_comes_twice_is_refused);
    STG_TEST(suite, only_the_form_of_a_token_is_a_token);
    STG_TEST(suite, wrong_issuer_is_explained_to_the_administrator);
    STG_TEST(suite, profile_yields_to_what_is_given);
    STG_TEST(suite, issuers_must_differ);
}
