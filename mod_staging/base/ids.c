/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ids.h"
#include "base/text.h"

#include <apr_strings.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <stdlib.h>
#include <string.h>

enum { UUID_BYTES = 16, UUID_CHARS = 36 };

/* Without randomness no id and no secret is safe: there is no way on. */
void stg_random_bytes(unsigned char *bytes, apr_size_t count)
{
    if (RAND_bytes(bytes, (int)count) != 1)
        abort();
}

const char *stg_uuid_create(apr_pool_t *p)
{
    unsigned char b[UUID_BYTES];
    const char *hex;

    stg_random_bytes(b, sizeof(b));
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    hex = stg_hex(b, sizeof(b), p);
    return apr_psprintf(p, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
                        hex + 16, hex + 20);
}

int stg_uuid_is_valid(const char *text)
{
    if (strlen(text) != UUID_CHARS)
        return 0;
    for (int i = 0; i < UUID_CHARS; i++) {
        int is_dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (is_dash ? text[i] != '-' : !strchr("0123456789abcdef", text[i]))
            return 0;
    }
    return 1;
}

const char *stg_secret_create(apr_size_t count, apr_pool_t *p)
{
    unsigned char *bytes = apr_palloc(p, count);
    const char *text;

    stg_random_bytes(bytes, count);
    text = stg_base64url(bytes, count, p);
    OPENSSL_cleanse(bytes, count);
    return text;
}

int stg_secret_equal(const char *a, const char *b)
{
    apr_size_t length = strlen(a);

    return length == strlen(b) && CRYPTO_memcmp(a, b, length) == 0;
}
