/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/seal.h"

#include "base/ids.h"
#include "base/text.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdlib.h>
#include <string.h>

enum { KEY_BYTES = 32, NONCE_BYTES = 12, TAG_BYTES = 16 };

static const unsigned char purpose[] = "mod_staging seal 1";

static apr_status_t free_cipher(void *cipher)
{
    EVP_CIPHER_CTX_free(cipher);
    return APR_SUCCESS;
}

/* OpenSSL fails here for want of memory only. */
static EVP_CIPHER_CTX *cipher_create(const char *secret,
                                     const unsigned char *nonce, int is_sealing,
                                     apr_pool_t *p)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    unsigned char key[KEY_BYTES];

    if (!cipher)
        abort();
    apr_pool_cleanup_register(p, cipher, free_cipher, apr_pool_cleanup_null);
    if (!HMAC(EVP_sha256(), secret, (int)strlen(secret), purpose,
              sizeof(purpose), key, NULL) ||
        !EVP_CipherInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, nonce,
                           is_sealing))
        abort();
    return cipher;
}

const char *stg_seal(const char *secret, const char *text, apr_pool_t *p)
{
    int length = (int)strlen(text);
    unsigned char *sealed = apr_palloc(p, NONCE_BYTES + length + TAG_BYTES);
    EVP_CIPHER_CTX *cipher;
    int count;

    stg_random_bytes(sealed, NONCE_BYTES);
    cipher = cipher_create(secret, sealed, 1, p);
    if (!EVP_CipherUpdate(cipher, sealed + NONCE_BYTES, &count,
                          (const unsigned char *)text, length) ||
        !EVP_CipherFinal_ex(cipher, sealed + NONCE_BYTES + count, &count) ||
        !EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_BYTES,
                             sealed + NONCE_BYTES + length))
        abort();
    return stg_base64url(sealed, NONCE_BYTES + length + TAG_BYTES, p);
}

const char *stg_unseal(const char *secret, const char *sealed, apr_pool_t *p)
{
    apr_size_t size;
    const char *bytes = stg_unbase64url(sealed, &size, p);
    EVP_CIPHER_CTX *cipher;
    unsigned char tag[TAG_BYTES];
    char *text;
    int length, count;

    if (!bytes || size < NONCE_BYTES + TAG_BYTES)
        return NULL;
    length = (int)size - NONCE_BYTES - TAG_BYTES;
    text = apr_pcalloc(p, (apr_size_t)length + 1);
    memcpy(tag, bytes + NONCE_BYTES + length, TAG_BYTES);
    cipher = cipher_create(secret, (const unsigned char *)bytes, 0, p);
    if (!EVP_CipherUpdate(cipher, (unsigned char *)text, &count,
                          (const unsigned char *)bytes + NONCE_BYTES, length) ||
        !EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) ||
        EVP_CipherFinal_ex(cipher, (unsigned char *)text + count, &count) <= 0)
        return NULL;
    return text;
}
