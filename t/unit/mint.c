/* SPDX-License-Identifier: Apache-2.0 */
#include "mint.h"

#include "base/json.h"
#include "base/text.h"

#include <apr_file_io.h>
#include <apr_strings.h>

#include <cjose/jws.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void number(uint8_t **bytes, size_t *count, EVP_PKEY *pkey,
                   const char *name, apr_pool_t *p)
{
    BIGNUM *n = NULL;
    int found = EVP_PKEY_get_bn_param(pkey, name, &n);

    assert(found);
    (void)found;
    *count = (size_t)BN_num_bytes(n);
    *bytes = apr_palloc(p, *count);
    BN_bn2bin(n, *bytes);
    BN_clear_free(n);
}

static apr_status_t release_key(void *key)
{
    cjose_jwk_release(key);
    return APR_SUCCESS;
}

static apr_status_t release_jws(void *jws)
{
    cjose_jws_release(jws);
    return APR_SUCCESS;
}

const char *stg_mint_file(const char *text, apr_pool_t *p)
{
    char *path = apr_pstrdup(p, "/tmp/staging-test-XXXXXX");
    apr_size_t length = strlen(text);
    apr_file_t *file;
    apr_status_t status;

    status = apr_file_mktemp(&file, path, 0, p);
    assert(status == APR_SUCCESS);
    status = apr_file_write_full(file, text, length, NULL);
    assert(status == APR_SUCCESS);
    (void)status;
    return path;
}

static stg_mint_t *mint_create(EVP_PKEY *pkey, cjose_jwk_t *key, apr_pool_t *p)
{
    stg_mint_t *mint = apr_palloc(p, sizeof(*mint));
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long length;

    assert(key);
    apr_pool_cleanup_register(p, key, release_key, apr_pool_cleanup_null);
    PEM_write_bio_PUBKEY(bio, pkey);
    length = BIO_get_mem_data(bio, &text);
    mint->key = key;
    mint->pem = apr_pstrmemdup(p, text, (apr_size_t)length);
    mint->pem_file = stg_mint_file(mint->pem, p);
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    return mint;
}

stg_mint_t *stg_mint_ec(const char *curve, apr_pool_t *p)
{
    EVP_PKEY *pkey = EVP_EC_gen(curve);
    cjose_jwk_ec_keyspec spec = {.crv = (cjose_jwk_ec_curve)OBJ_sn2nid(curve)};

    number(&spec.d, &spec.dlen, pkey, OSSL_PKEY_PARAM_PRIV_KEY, p);
    number(&spec.x, &spec.xlen, pkey, OSSL_PKEY_PARAM_EC_PUB_X, p);
    number(&spec.y, &spec.ylen, pkey, OSSL_PKEY_PARAM_EC_PUB_Y, p);
    return mint_create(pkey, cjose_jwk_create_EC_spec(&spec, NULL), p);
}

stg_mint_t *stg_mint_rsa(unsigned int bits, apr_pool_t *p)
{
    EVP_PKEY *pkey = EVP_RSA_gen(bits);
    cjose_jwk_rsa_keyspec spec = {0};

    number(&spec.n, &spec.nlen, pkey, OSSL_PKEY_PARAM_RSA_N, p);
    number(&spec.e, &spec.elen, pkey, OSSL_PKEY_PARAM_RSA_E, p);
    number(&spec.d, &spec.dlen, pkey, OSSL_PKEY_PARAM_RSA_D, p);
    number(&spec.p, &spec.plen, pkey, OSSL_PKEY_PARAM_RSA_FACTOR1, p);
    number(&spec.q, &spec.qlen, pkey, OSSL_PKEY_PARAM_RSA_FACTOR2, p);
    number(&spec.dp, &spec.dplen, pkey, OSSL_PKEY_PARAM_RSA_EXPONENT1, p);
    number(&spec.dq, &spec.dqlen, pkey, OSSL_PKEY_PARAM_RSA_EXPONENT2, p);
    number(&spec.qi, &spec.qilen, pkey, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, p);
    return mint_create(pkey, cjose_jwk_create_RSA_spec(&spec, NULL), p);
}

const char *stg_mint_token(const stg_mint_t *mint, const char *header,
                           const char *claims, apr_pool_t *p)
{
    json_t *head = stg_json_own(json_loads(header, 0, NULL), p);
    cjose_jws_t *jws =
        cjose_jws_sign(mint->key, (cjose_header_t *)head,
                       (const uint8_t *)claims, strlen(claims), NULL);
    const char *text = NULL;

    assert(jws);
    apr_pool_cleanup_register(p, jws, release_jws, apr_pool_cleanup_null);
    cjose_jws_export(jws, &text, NULL);
    return apr_pstrdup(p, text);
}

static const char *encode(const char *text, apr_pool_t *p)
{
    return stg_base64url((const unsigned char *)text, strlen(text), p);
}

const char *stg_mint_hmac_token(const char *secret, const char *header,
                                const char *claims, apr_pool_t *p)
{
    const char *body =
        apr_pstrcat(p, encode(header, p), ".", encode(claims, p), NULL);
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int size = 0;

    if (*secret)
        HMAC(EVP_sha256(), secret, (int)strlen(secret),
             (const unsigned char *)body, strlen(body), mac, &size);
    return apr_pstrcat(p, body, ".", stg_base64url(mac, size, p), NULL);
}

const char *stg_mint_claims(const char *changes, const char *missing,
                            apr_pool_t *p)
{
    json_t *claims = stg_json_own(
        json_pack("{s:s, s:s, s:s, s:s, s:[], s:i, s:i, s:i}", "sub",
                  "EDI-1d3d60a4d1eb1b8a4f4a4a9d0e5a0b0c1d2e3f40", "cn",
                  "Ada Lovelace", "iss", "https://auth.edirepository.org", "hd",
                  "edirepository.org", "principals", "iat", MINT_NOW, "nbf",
                  MINT_NOW, "exp", MINT_NOW + 28800),
        p);
    json_t *change = stg_json_own(json_loads(changes, 0, NULL), p);

    assert(change);
    json_object_update(claims, change);
    if (missing)
        json_object_del(claims, missing);
    return stg_json_dump(claims, p);
}

const char *stg_mint_jwk(const stg_mint_t *mint, const char *kid,
                         const char *more, apr_pool_t *p)
{
    char *text = cjose_jwk_to_json(mint->key, false, NULL);
    const char *jwk = apr_psprintf(p, "%.*s, \"kid\": \"%s\"%s}",
                                   (int)strlen(text) - 1, text, kid, more);

    free(text);
    return jwk;
}
