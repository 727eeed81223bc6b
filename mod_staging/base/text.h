/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_BASE_TEXT_H
#define STG_BASE_TEXT_H

#include <apr_pools.h>

/* Encodings. All results are NUL-terminated and live in p. */
const char *stg_hex(const unsigned char *bytes, apr_size_t count,
                    apr_pool_t *p);
const char *stg_base64(const unsigned char *bytes, apr_size_t count,
                       apr_pool_t *p);
const char *stg_base64url(const unsigned char *bytes, apr_size_t count,
                          apr_pool_t *p); /* without padding */

/* Decode; NULL if text is not exactly in that form. Binary result: *count
 * bytes, with a NUL behind them that is not counted. */
const char *stg_unhex(const char *text, apr_size_t *count, apr_pool_t *p);
const char *stg_unbase64(const char *text, apr_size_t *count, apr_pool_t *p);
const char *stg_unbase64url(const char *text, apr_size_t *count, apr_pool_t *p);

/* Percent-encode all bytes but RFC 3986's unreserved ones and those in keep
 * (may be NULL). Upper-case digits. */
const char *stg_percent_encode(const char *text, const char *keep,
                               apr_pool_t *p);

/* Percent-decode; NULL if malformed or if a NUL would come out. */
const char *stg_percent_decode(const char *text, apr_pool_t *p);

/* Strict numbers: decimal digits only, no sign, no space, no overflow. */
int stg_parse_off(const char *text, apr_off_t *value);

/* The same with at most 15 digits, as an offset or a length in a header field:
 * what both kinds of resumable uploads can say (RFC 9651, 3.3.1). */
int stg_parse_offset(const char *text, apr_off_t *value);

/* "5G", "64M", "100k", "4096": powers of 1024, of bytes. */
int stg_parse_size(const char *text, apr_off_t *value);

/* "30d", "12h", "15m", "90s", "90": result in seconds. */
int stg_parse_duration(const char *text, apr_off_t *seconds);

/* Well-formed UTF-8 (RFC 3629) without NUL? *characters (may be NULL) gets
 * the number of code points. */
int stg_utf8_is_valid(const char *text, apr_size_t count,
                      apr_size_t *characters);

/* The MD5, SHA-1, SHA-256 or SHA-512 ("md5", "sha1", "sha256", "sha512") of a
 * short text in memory, as lower-case hex. */
const char *stg_digest_hex_of(const char *algorithm, const char *bytes,
                              apr_size_t count, apr_pool_t *p);

/* The SHA-256 of a text likewise: all that tables keep of a secret. */
const char *stg_sha256_hex(const char *text, apr_pool_t *p);

#endif
