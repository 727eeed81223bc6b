/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/hasher.h"
#include "base/text.h"

#include <nettle/md5.h>
#include <nettle/nettle-meta.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <openssl/evp.h>

#include <stdint.h>
#include <string.h>

typedef union resumable_t {
    struct md5_ctx md5;
    struct sha1_ctx sha1;
    struct sha256_ctx sha256;
    struct sha512_ctx sha512;
} resumable_t;

struct stg_hasher_t {
    stg_algorithm_t algorithm;
    EVP_MD *md;
    EVP_MD_CTX *context;
    int is_failed;
    const struct nettle_hash *kind; /* NULL: OpenSSL's */
    resumable_t resumable;
};

static apr_status_t evp_free(void *context)
{
    stg_hasher_t *hasher = context;

    EVP_MD_CTX_free(hasher->context);
    EVP_MD_free(hasher->md);
    return APR_SUCCESS;
}

stg_hasher_t *stg_hasher_create(stg_algorithm_t algorithm, apr_pool_t *p)
{
    stg_hasher_t *hasher = apr_pcalloc(p, sizeof(*hasher));

    apr_pool_cleanup_register(p, hasher, evp_free, apr_pool_cleanup_null);
    hasher->algorithm = algorithm;
    hasher->md = EVP_MD_fetch(NULL, stg_algorithm_name(algorithm), NULL);
    hasher->context = EVP_MD_CTX_new();
    hasher->is_failed =
        !hasher->md || !EVP_DigestInit_ex2(hasher->context, hasher->md, NULL);
    return hasher;
}

stg_hasher_t *stg_hasher_create_resumable(stg_algorithm_t algorithm,
                                          apr_pool_t *p)
{
    static const struct nettle_hash *const kinds[STG_ALGORITHMS] = {
        [STG_MD5] = &nettle_md5,
        [STG_SHA1] = &nettle_sha1,
        [STG_SHA256] = &nettle_sha256,
        [STG_SHA512] = &nettle_sha512,
    };
    stg_hasher_t *hasher = apr_pcalloc(p, sizeof(*hasher));

    hasher->algorithm = algorithm;
    hasher->kind = kinds[algorithm];
    hasher->kind->init(&hasher->resumable);
    return hasher;
}

void stg_hasher_update(stg_hasher_t *hasher, const char *bytes,
                       apr_size_t count)
{
    if (!count)
        return;
    if (hasher->kind)
        hasher->kind->update(&hasher->resumable, count,
                             (const unsigned char *)bytes);
    else if (!EVP_DigestUpdate(hasher->context, bytes, count))
        hasher->is_failed = 1;
}

stg_error_t *stg_hasher_finish(const char **hex, stg_hasher_t *hasher,
                               apr_pool_t *p)
{
    unsigned char value[EVP_MAX_MD_SIZE];
    apr_size_t size = stg_algorithm_size(hasher->algorithm);

    if (hasher->kind) {
        /* Of a copy: the state can be told afterwards, too. */
        resumable_t copy = hasher->resumable;

        hasher->kind->digest(&copy, size, value);
    } else if (hasher->is_failed ||
               !EVP_DigestFinal_ex(hasher->context, value, NULL))
        return stg_raise(p, STG_E_INTERNAL, "a digest could not be computed");
    *hex = stg_hex(value, size, p);
    return STG_OK;
}

/* Where the fields of the algorithms' structs are. Nettle counts whole
 * blocks. */
typedef struct fields_t {
    uint32_t *words;      /* of 4 bytes, or NULL */
    uint64_t *long_words; /* of 8 bytes, or NULL */
    apr_size_t word_count;
    uint64_t *blocks;
    unsigned int *rest_size;
    uint8_t *rest;
} fields_t;

static fields_t fields_of(stg_algorithm_t algorithm, resumable_t *of)
{
    switch (algorithm) {
    case STG_MD5:
        return (fields_t){of->md5.state,  NULL,           4,
                          &of->md5.count, &of->md5.index, of->md5.block};
    case STG_SHA1:
        return (fields_t){of->sha1.state,  NULL,          5, &of->sha1.count,
                          &of->sha1.index, of->sha1.block};
    case STG_SHA256:
        return (fields_t){
            of->sha256.state, NULL, 8, &of->sha256.count, &of->sha256.index,
            of->sha256.block};
    default:
        return (fields_t){NULL,
                          of->sha512.state,
                          8,
                          &of->sha512.count_low, /* 2^64 blocks of 128 */
                          &of->sha512.index,
                          of->sha512.block};
    }
}

/* The most significant byte first, on every machine. */
static apr_size_t chain_write(unsigned char *bytes, const fields_t *fields)
{
    apr_size_t word_size = fields->words ? 4 : 8;
    unsigned char *at = bytes;

    for (apr_size_t i = 0; i < fields->word_count; i++) {
        uint64_t word =
            fields->words ? fields->words[i] : fields->long_words[i];

        for (apr_size_t n = word_size; n--;)
            *at++ = (unsigned char)(word >> 8 * n);
    }
    return at - bytes;
}

static void chain_read(const fields_t *fields, const unsigned char *bytes)
{
    apr_size_t word_size = fields->words ? 4 : 8;

    for (apr_size_t i = 0; i < fields->word_count; i++) {
        uint64_t word = 0;

        for (apr_size_t n = 0; n < word_size; n++)
            word = word << 8 | *bytes++;
        if (fields->words)
            fields->words[i] = (uint32_t)word;
        else
            fields->long_words[i] = word;
    }
}

void stg_hasher_state(const char **chain, const char **rest,
                      const stg_hasher_t *hasher, apr_pool_t *p)
{
    resumable_t copy = hasher->resumable;
    const fields_t fields = fields_of(hasher->algorithm, &copy);
    unsigned char bytes[STG_DIGEST_MOST];

    *chain = stg_hex(bytes, chain_write(bytes, &fields), p);
    *rest = stg_hex(fields.rest, *fields.rest_size, p);
}

int stg_hasher_restore(stg_hasher_t *hasher, apr_off_t size, const char *chain,
                       const char *rest, apr_pool_t *p)
{
    const fields_t fields = fields_of(hasher->algorithm, &hasher->resumable);
    apr_size_t chain_size = fields.word_count * (fields.words ? 4 : 8);
    apr_off_t block_size = (apr_off_t)hasher->kind->block_size;
    apr_size_t count, rest_count;
    const char *words, *bytes;

    if (size < 0 || !(words = stg_unhex(chain, &count, p)) ||
        count != chain_size || !(bytes = stg_unhex(rest, &rest_count, p)) ||
        (apr_off_t)rest_count != size % block_size)
        return 0;
    chain_read(&fields, (const unsigned char *)words);
    *fields.blocks = (uint64_t)(size / block_size);
    *fields.rest_size = (unsigned int)rest_count;
    memcpy(fields.rest, bytes, rest_count);
    return 1;
}
