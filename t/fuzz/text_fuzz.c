/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "base/text.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

typedef const char *decode_t(const char *, apr_size_t *, apr_pool_t *);
typedef const char *encode_t(const unsigned char *, apr_size_t, apr_pool_t *);

/* Only what the encoder writes is decoded, and to the same bytes. */
static void check(decode_t *decode, encode_t *encode, const char *text,
                  apr_pool_t *p)
{
    apr_size_t count;
    const char *bytes = decode(text, &count, p);

    if (bytes &&
        strcasecmp(encode((const unsigned char *)bytes, count, p), text) != 0)
        abort();
}

/* Encodings and numbers that foreign texts are made of. */
void stg_fuzz_text(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    apr_size_t characters;
    const char *plain;
    apr_off_t value;

    check(stg_unhex, stg_hex, bytes, p);
    check(stg_unbase64, stg_base64, bytes, p);
    check(stg_unbase64url, stg_base64url, bytes, p);
    plain = stg_percent_decode(bytes, p);
    if (plain &&
        strcmp(stg_percent_decode(stg_percent_encode(plain, NULL, p), p),
               plain) != 0)
        abort();
    if ((stg_parse_off(bytes, &value) || stg_parse_offset(bytes, &value) ||
         stg_parse_size(bytes, &value) || stg_parse_duration(bytes, &value)) &&
        value < 0)
        abort();
    if (stg_utf8_is_valid(bytes, count, &characters) && characters > count)
        abort();
}
