/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/pem_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>

/* cjose reads no PEM: the numbers of the key are taken out by OpenSSL. */

enum { NUMBER_MAX = 2048 };

static apr_status_t free_key(void *key)
{
    EVP_PKEY_free(key);
    return APR_SUCCESS;
}

/* One number of the key, big-endian, in width bytes, or as few as it needs
 * if width is 0. */
static int number_get(uint8_t **bytes, size_t *count, EVP_PKEY *pkey,
                      const char *name, size_t width)
{
    BIGNUM *number = NULL;
    int written = -1;

    if (!EVP_PKEY_get_bn_param(pkey, name, &number))
        return 0;
    if (!width)
        width = (size_t)BN_num_bytes(number);
    if (width <= NUMBER_MAX)
        written = BN_bn2binpad(number, *bytes, (int)width);
    BN_free(number);
    *count = width;
    return written >= 0;
}

static cjose_jwk_t *ec_key(EVP_PKEY *pkey, apr_pool_t *p)
{
    cjose_jwk_ec_keyspec spec = {.x = apr_palloc(p, NUMBER_MAX),
                                 .y = apr_palloc(p, NUMBER_MAX)};
    size_t width = (size_t)(EVP_PKEY_get_bits(pkey) + 7) / 8;
    char curve[64];

    if (!EVP_PKEY_get_group_name(pkey, curve, sizeof(curve), NULL))
        return NULL;
    spec.crv = (cjose_jwk_ec_curve)OBJ_sn2nid(curve);
    if (!number_get(&spec.x, &spec.xlen, pkey, OSSL_PKEY_PARAM_EC_PUB_X,
                    width) ||
        !number_get(&spec.y, &spec.ylen, pkey, OSSL_PKEY_PARAM_EC_PUB_Y, width))
        return NULL;
    return cjose_jwk_create_EC_spec(&spec, NULL);
}

static cjose_jwk_t *rsa_key(EVP_PKEY *pkey, apr_pool_t *p)
{
    cjose_jwk_rsa_keyspec spec = {.n = apr_palloc(p, NUMBER_MAX),
                                  .e = apr_palloc(p, NUMBER_MAX)};

    if (!number_get(&spec.n, &spec.nlen, pkey, OSSL_PKEY_PARAM_RSA_N, 0) ||
        !number_get(&spec.e, &spec.elen, pkey, OSSL_PKEY_PARAM_RSA_E, 0))
        return NULL;
    return cjose_jwk_create_RSA_spec(&spec, NULL);
}

static EVP_PKEY *read_pem(const char *file)
{
    BIO *bio = BIO_new_file(file, "r");
    EVP_PKEY *pkey = NULL;

    if (bio)
        pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return pkey;
}

stg_error_t *stg_pem_key_read(cjose_jwk_t **key, const char *file,
                              apr_pool_t *p)
{
    EVP_PKEY *pkey = read_pem(file);
    cjose_jwk_t *made = NULL;

    if (!pkey)
        return stg_raise(p, STG_E_INVALID,
                         "%s cannot be read or holds no public key in PEM form",
                         file);
    apr_pool_cleanup_register(p, pkey, free_key, apr_pool_cleanup_null);
    if (EVP_PKEY_is_a(pkey, "EC"))
        made = ec_key(pkey, p);
    else if (EVP_PKEY_is_a(pkey, "RSA"))
        made = rsa_key(pkey, p);
    if (!made)
        return stg_raise(p, STG_E_INVALID,
                         "the key in %s is of a kind that is not supported",
                         file);
    *key = made;
    return STG_OK;
}
