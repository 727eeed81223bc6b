/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <openssl/evp.h>

#include <stdint.h>
#include <string.h>

static const char HEX_LOWER[] = "0123456789abcdef";
static const char HEX_UPPER[] = "0123456789ABCDEF";

#define ALPHANUMERIC                                                           \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"                                               \
    "abcdefghijklmnopqrstuvwxyz"                                               \
    "0123456789"

static const char BASE64[] = ALPHANUMERIC "+/";
static const char BASE64URL[] = ALPHANUMERIC "-_";
static const char UNRESERVED[] = ALPHANUMERIC "-._~";

const char *stg_hex(const unsigned char *bytes, apr_size_t count, apr_pool_t *p)
{
    char *text = apr_palloc(p, 2 * count + 1);

    for (apr_size_t i = 0; i < count; i++) {
        text[2 * i] = HEX_LOWER[bytes[i] >> 4];
        text[2 * i + 1] = HEX_LOWER[bytes[i] & 15];
    }
    text[2 * count] = '\0';
    return text;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The byte that two digits stand for, -1 if they are none. Looks at the
 * second only if the first is a digit, hence never behind a NUL. */
static int hex_pair(const char *digits)
{
    int high = hex_value(digits[0]);
    int low = high < 0 ? -1 : hex_value(digits[1]);

    return low < 0 ? -1 : high << 4 | low;
}

const char *stg_unhex(const char *text, apr_size_t *count, apr_pool_t *p)
{
    apr_size_t length = strlen(text);
    char *bytes;

    if (length % 2)
        return NULL;
    bytes = apr_palloc(p, length / 2 + 1);
    for (apr_size_t i = 0; i < length / 2; i++) {
        int value = hex_pair(text + 2 * i);

        if (value < 0)
            return NULL;
        bytes[i] = (char)value;
    }
    bytes[length / 2] = '\0';
    *count = length / 2;
    return bytes;
}

/* Base64 of RFC 4648, padded or not. */
static char *encode64(const char *alphabet, const unsigned char *bytes,
                      apr_size_t count, int is_padded, apr_pool_t *p)
{
    char *text = apr_palloc(p, (count + 2) / 3 * 4 + 1);
    char *out = text;

    for (apr_size_t i = 0; i < count; i += 3) {
        apr_size_t left = count - i;
        uint32_t group = (uint32_t)bytes[i] << 16;

        group |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        group |= left > 2 ? bytes[i + 2] : 0;
        *out++ = alphabet[group >> 18];
        *out++ = alphabet[group >> 12 & 63];
        if (left > 1)
            *out++ = alphabet[group >> 6 & 63];
        if (left > 2)
            *out++ = alphabet[group & 63];
    }
    while (is_padded && (out - text) % 4)
        *out++ = '=';
    *out = '\0';
    return text;
}

/* Only the canonical form: the bits that no byte uses have to be zero, so
 * that no two texts stand for the same bytes (RFC 4648, 3.5). */
static char *decode64(const char *alphabet, const char *text, apr_size_t length,
                      apr_size_t *count, apr_pool_t *p)
{
    apr_size_t size = length / 4 * 3 + length % 4 * 3 / 4;
    char *bytes;
    uint32_t bits = 0;
    int held = 0;
    apr_size_t n = 0;

    if (length % 4 == 1)
        return NULL;
    bytes = apr_palloc(p, size + 1);
    for (apr_size_t i = 0; i < length; i++) {
        const char *digit = strchr(alphabet, text[i]);

        if (!digit)
            return NULL;
        bits = (bits << 6 | (uint32_t)(digit - alphabet)) & 0xffff;
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes[n++] = (char)(bits >> held & 0xff);
        }
    }
    if (bits & ((1U << held) - 1))
        return NULL;
    bytes[n] = '\0';
    *count = n;
    return bytes;
}

const char *stg_base64(const unsigned char *bytes, apr_size_t count,
                       apr_pool_t *p)
{
    return encode64(BASE64, bytes, count, 1, p);
}

const char *stg_base64url(const unsigned char *bytes, apr_size_t count,
                          apr_pool_t *p)
{
    return encode64(BASE64URL, bytes, count, 0, p);
}

const char *stg_unbase64(const char *text, apr_size_t *count, apr_pool_t *p)
{
    apr_size_t length = strlen(text);

    if (length % 4)
        return NULL;
    for (int i = 0; i < 2 && length && text[length - 1] == '='; i++)
        length--;
    return decode64(BASE64, text, length, count, p);
}

const char *stg_unbase64url(const char *text, apr_size_t *count, apr_pool_t *p)
{
    return decode64(BASE64URL, text, strlen(text), count, p);
}

const char *stg_percent_encode(const char *text, const char *keep,
                               apr_pool_t *p)
{
    char *encoded = apr_palloc(p, 3 * strlen(text) + 1);
    char *out = encoded;

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (strchr(UNRESERVED, c) || (keep && strchr(keep, c))) {
            *out++ = *text;
            continue;
        }
        *out++ = '%';
        *out++ = HEX_UPPER[c >> 4];
        *out++ = HEX_UPPER[c & 15];
    }
    *out = '\0';
    return encoded;
}

const char *stg_percent_decode(const char *text, apr_pool_t *p)
{
    char *decoded = apr_palloc(p, strlen(text) + 1);
    char *out = decoded;

    for (; *text; text++) {
        int value;

        if (*text != '%') {
            *out++ = *text;
            continue;
        }
        value = hex_pair(text + 1);
        if (value <= 0)
            return NULL;
        *out++ = (char)value;
        text += 2;
    }
    *out = '\0';
    return decoded;
}

static int parse_digits(const char **text, apr_off_t *value)
{
    apr_off_t sum = 0;
    const char *c = *text;

    if (*c < '0' || *c > '9')
        return 0;
    for (; *c >= '0' && *c <= '9'; c++) {
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, *c - '0', &sum))
            return 0;
    }
    *text = c;
    *value = sum;
    return 1;
}

int stg_parse_off(const char *text, apr_off_t *value)
{
    apr_off_t number;

    if (!parse_digits(&text, &number) || *text)
        return 0;
    *value = number;
    return 1;
}

int stg_parse_offset(const char *text, apr_off_t *value)
{
    enum { MOST_DIGITS = 15 };

    return strnlen(text, MOST_DIGITS + 1) <= MOST_DIGITS &&
           stg_parse_off(text, value);
}

typedef struct unit_t {
    char letter;
    apr_off_t factor;
} unit_t;

/* A number with at most one letter behind it, of a list that ends with the
 * letter NUL. */
static int parse_with_unit(const char *text, const unit_t *units,
                           apr_off_t *value)
{
    apr_off_t number;

    if (!parse_digits(&text, &number))
        return 0;
    while (units->letter && units->letter != *text)
        units++;
    if (*text && (!units->letter || text[1]))
        return 0;
    return !__builtin_mul_overflow(number, units->factor, value);
}

int stg_parse_size(const char *text, apr_off_t *value)
{
    static const unit_t units[] = {
        {'k', 1 << 10},
        {'K', 1 << 10},
        {'M', 1 << 20},
        {'G', 1 << 30},
        {'T', (apr_off_t)1 << 40},
        {'\0', 1},
    };

    return parse_with_unit(text, units, value);
}

int stg_parse_duration(const char *text, apr_off_t *seconds)
{
    static const unit_t units[] = {
        {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'\0', 1},
    };

    return parse_with_unit(text, units, seconds);
}

/* The length of the UTF-8 sequence that begins with lead, 0 if none does;
 * the second byte has to be in [*low, *high] (RFC 3629, 4). */
static apr_size_t utf8_length(unsigned char lead, unsigned char *low,
                              unsigned char *high)
{
    *low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    *high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (lead < 0x80)
        return lead ? 1 : 0;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

int stg_utf8_is_valid(const char *text, apr_size_t count,
                      apr_size_t *characters)
{
    const unsigned char *at = (const unsigned char *)text;
    const unsigned char *end = at + count;
    apr_size_t found = 0;

    for (; at < end; found++) {
        unsigned char low, high;
        apr_size_t length = utf8_length(*at, &low, &high);

        if (!length || length > (apr_size_t)(end - at))
            return 0;
        for (apr_size_t i = 1; i < length; i++) {
            if (at[i] < low || at[i] > high)
                return 0;
            low = 0x80;
            high = 0xbf;
        }
        at += length;
    }
    if (characters)
        *characters = found;
    return 1;
}

const char *stg_digest_hex_of(const char *algorithm, const char *bytes,
                              apr_size_t count, apr_pool_t *p)
{
    unsigned char value[EVP_MAX_MD_SIZE];
    size_t size = 0;

    /* The names are OpenSSL's own, and always there. */
    if (!EVP_Q_digest(NULL, algorithm, NULL, bytes, count, value, &size))
        return NULL;
    return stg_hex(value, size, p);
}

const char *stg_sha256_hex(const char *text, apr_pool_t *p)
{
    return stg_digest_hex_of("sha256", text, strlen(text), p);
}
