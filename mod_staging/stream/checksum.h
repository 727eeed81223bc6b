/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STREAM_CHECKSUM_H
#define STG_STREAM_CHECKSUM_H

#include "stream/digest_field.h"

/*
 * Checksums of the body of one request, whatever the object is that it adds
 * to: Upload-Checksum of tus (md5, sha1, sha256 and crc32c) and Content-Digest
 * (RFC 9530; stg_digest_field_parse() into digests).
 *
 * They are computed in the calling thread, by OpenSSL.
 */

typedef struct stg_checksums_t {
    stg_digests_t digests;
    const char *crc32c; /* eight lower-case hex digits, NULL if there is none */
} stg_checksums_t;

/* What Tus-Checksum-Algorithm says. */
#define STG_CHECKSUM_ALGORITHMS "sha1,sha256,md5,crc32c"

/* The value of Upload-Checksum: algorithm SP base64. INVALID if it is
 * malformed, the algorithm is unknown or the length is not the algorithm's. */
stg_error_t *stg_checksum_parse(stg_checksums_t *announced, const char *value,
                                apr_pool_t *p);

/* Of all that is announced both have the same? STG_E_CHECKSUM if not, also if
 * it was not computed. */
stg_error_t *stg_checksums_compare(const stg_checksums_t *announced,
                                   const stg_checksums_t *computed,
                                   apr_pool_t *p);

typedef struct stg_checksum_t stg_checksum_t;

/* Computes what is announced, or everything (NULL) when a trailer is to tell.
 * What passes goes on to next at once. */
stg_checksum_t *stg_checksum_create(stg_sink_t *next,
                                    const stg_checksums_t *announced,
                                    apr_pool_t *p);
stg_sink_t *stg_checksum_sink(stg_checksum_t *checksum);

/* When all has come; once. */
stg_error_t *stg_checksum_finish(stg_checksums_t *computed,
                                 stg_checksum_t *checksum, apr_pool_t *p);

#endif
