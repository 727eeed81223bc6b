/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/jwt.h"
#include "auth/claims.h"
#include "auth/jwks.h"
#include "base/json.h"
#include "base/text.h"

#include <apr_cstr.h>
#include <apr_strings.h>

#include <cjose/jws.h>

#include <string.h>

enum { TEXT_MAX_BYTES = 255 };

typedef struct source_t {
    const stg_issuer_t *issuer;
    stg_jwks_t *jwks;
} source_t;

struct stg_issuers_t {
    apr_array_header_t *sources; /* of source_t */
};

/* A token taken apart, before anything in it is believed. */
typedef struct parts_t {
    const json_t *header;
    const json_t *claims;
    stg_jwa_t algorithm;
    const char *kid; /* or NULL */
} parts_t;

/* Header parameters that would bring a key along (RFC 7515, 4.1), or that
 * change what the token means and that we do not know (4.1.11). */
static const char *const refused[] = {"jku", "jwk", "x5u", "x5c", "crit"};

enum { REFUSED_COUNT = sizeof(refused) / sizeof(refused[0]) };

static stg_error_t *check_unique(const apr_array_header_t *list, int at,
                                 apr_pool_t *p)
{
    const stg_issuer_t *late = APR_ARRAY_IDX(list, at, const stg_issuer_t *);

    for (int i = 0; i < at; i++) {
        const stg_issuer_t *early =
            APR_ARRAY_IDX(list, i, const stg_issuer_t *);

        if (!strcmp(late->name, early->name))
            return stg_raise(p, STG_E_INVALID, "two issuers are called %s",
                             late->name);
        if (!strcmp(late->iss, early->iss))
            return stg_raise(p, STG_E_INVALID,
                             "the issuers %s and %s have the same iss",
                             early->name, late->name);
    }
    return STG_OK;
}

stg_error_t *stg_issuers_create(stg_issuers_t **issuers,
                                const apr_array_header_t *list,
                                stg_http_client_t *http, apr_pool_t *p)
{
    stg_issuers_t *made = apr_palloc(p, sizeof(*made));

    made->sources = apr_array_make(p, list->nelts, sizeof(source_t));
    for (int i = 0; i < list->nelts; i++) {
        source_t *source = apr_array_push(made->sources);

        source->issuer = APR_ARRAY_IDX(list, i, const stg_issuer_t *);
        STG_TRY(check_unique(list, i, p));
        STG_TRY(stg_jwks_create(&source->jwks, source->issuer, http, p));
    }
    *issuers = made;
    return STG_OK;
}

int stg_issuers_any_of_iam(const stg_issuers_t *issuers,
                           int (*is_wanted)(const void *context,
                                            const char *name),
                           const void *context)
{
    for (int i = 0; i < issuers->sources->nelts; i++) {
        const stg_issuer_t *issuer =
            APR_ARRAY_IDX(issuers->sources, i, source_t).issuer;

        if (issuer->scopes & STG_SCOPE_ASK_IAM &&
            is_wanted(context, issuer->name))
            return 1;
    }
    return 0;
}

static int is_base64url(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '_';
}

int stg_jwt_is_wellformed(const char *token, apr_size_t length)
{
    int dots = 0;

    if (length > STG_JWT_MAX_BYTES)
        return 0;
    for (apr_size_t i = 0; i < length; i++) {
        if (token[i] == '.')
            dots++;
        else if (!is_base64url(token[i]))
            return 0;
    }
    return dots == 2 && token[0] != '.';
}

static stg_error_t *bad(apr_pool_t *p, const char *sentence)
{
    return stg_raise(p, STG_E_BAD_CREDENTIAL, "%s", sentence);
}

/* The JSON object behind length characters of base64url; NULL if it is none.
 * The parser's message is dropped, for it quotes the token. */
static const json_t *decode(const char *text, apr_size_t length, apr_pool_t *p)
{
    apr_size_t count;
    const char *bytes =
        stg_unbase64url(apr_pstrmemdup(p, text, length), &count, p);
    json_t *value;

    if (!bytes || stg_json_parse(&value, bytes, count, count, p))
        return NULL;
    return json_is_object(value) ? value : NULL;
}

/* RFC 8725, 3.11: if a token says what it is, it must be one for us. */
static int is_type_good(const json_t *typ)
{
    const char *text = json_string_value(typ);

    return !typ || (text && (!apr_cstr_casecmp(text, "JWT") ||
                             !apr_cstr_casecmp(text, "at+jwt")));
}

static stg_error_t *read_header(parts_t *parts, apr_pool_t *p)
{
    const char *alg = json_string_value(json_object_get(parts->header, "alg"));
    const json_t *kid = json_object_get(parts->header, "kid");

    for (int i = 0; i < REFUSED_COUNT; i++) {
        if (json_object_get(parts->header, refused[i]))
            return stg_raise(p, STG_E_BAD_CREDENTIAL,
                             "the token's header has \"%s\", which is not "
                             "accepted here",
                             refused[i]);
    }
    if (!is_type_good(json_object_get(parts->header, "typ")))
        return bad(p, "the token is of a type (typ) other than JWT or at+jwt");
    parts->algorithm = alg ? stg_jwa_find(alg) : STG_JWAS;
    if (parts->algorithm == STG_JWAS)
        return bad(p, "the token is not signed with an accepted algorithm");
    parts->kid = json_string_value(kid);
    if (kid && !stg_claims_is_plain(parts->kid, TEXT_MAX_BYTES))
        return bad(p, "the token's key id (kid) is malformed");
    return STG_OK;
}

static stg_error_t *take_apart(parts_t *parts, const char *token,
                               apr_size_t length, apr_pool_t *p)
{
    const char *first_dot;
    const char *second_dot;
    apr_size_t count;

    if (length > STG_JWT_MAX_BYTES)
        return bad(p, "the token is longer than 8192 bytes");
    if (!stg_jwt_is_wellformed(token, length))
        return bad(p, "the token is not a JWT");
    first_dot = memchr(token, '.', length);
    second_dot = memchr(first_dot + 1, '.',
                        length - (apr_size_t)(first_dot + 1 - token));
    parts->header = decode(token, (apr_size_t)(first_dot - token), p);
    parts->claims =
        decode(first_dot + 1, (apr_size_t)(second_dot - first_dot - 1), p);
    /* cjose ends the process if the signature is no base64url. */
    if (!parts->header || !parts->claims ||
        !stg_unbase64url(
            apr_pstrmemdup(p, second_dot + 1,
                           (apr_size_t)(token + length - second_dot - 1)),
            &count, p))
        return bad(p, "the token is not a JWT");
    return read_header(parts, p);
}

static stg_error_t *find_source(const source_t **source,
                                const stg_issuers_t *issuers,
                                const json_t *claims, apr_pool_t *p)
{
    const char *iss = json_string_value(json_object_get(claims, "iss"));

    for (int i = 0; iss && i < issuers->sources->nelts; i++) {
        const source_t *each = &APR_ARRAY_IDX(issuers->sources, i, source_t);

        if (strcmp(iss, each->issuer->iss) != 0)
            continue;
        *source = each;
        return STG_OK;
    }
    if (!stg_claims_is_plain(iss, TEXT_MAX_BYTES))
        return bad(p, "the token names no issuer (iss)");
    return stg_raise(p, STG_E_BAD_CREDENTIAL,
                     "no issuer is configured for tokens of \"%s\"", iss);
}

static int is_signed_by(const char *token, apr_size_t length,
                        const cjose_jwk_t *key)
{
    cjose_jws_t *jws = cjose_jws_import(token, length, NULL);
    int is_good = jws && cjose_jws_verify(jws, key, NULL);

    cjose_jws_release(jws);
    return is_good;
}

static stg_error_t *check_signature(const source_t *source,
                                    const parts_t *parts, const char *token,
                                    apr_size_t length, apr_pool_t *p)
{
    apr_array_header_t *keys;

    if (!(source->issuer->algorithms & 1U << parts->algorithm))
        return bad(p, "the token is not signed with an accepted algorithm");
    STG_TRY(
        stg_jwks_find(&keys, source->jwks, parts->algorithm, parts->kid, p));
    for (int i = 0; i < keys->nelts; i++) {
        if (is_signed_by(token, length, APR_ARRAY_IDX(keys, i, cjose_jwk_t *)))
            return STG_OK;
    }
    return bad(p, "the token's signature is wrong");
}

stg_error_t *stg_jwt_verify(stg_principal_t **principal, stg_issuers_t *issuers,
                            const char *token, apr_size_t length, apr_pool_t *p)
{
    stg_principal_t *made;
    const source_t *source;
    parts_t parts;

    STG_TRY(take_apart(&parts, token, length, p));
    STG_TRY(find_source(&source, issuers, parts.claims, p));
    STG_TRY(check_signature(source, &parts, token, length, p));
    STG_TRY(stg_claims_check(&made, source->issuer, parts.claims, p));
    made->token = apr_pstrmemdup(p, token, length);
    *principal = made;
    return STG_OK;
}
