/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STREAM_CRC32C_H
#define STG_STREAM_CRC32C_H

#include <apr_pools.h>

/* CRC-32C, of the Castagnoli polynomial (RFC 3720, 12.1), of bytes that come
 * in pieces. It finds accidents, and no forgery. */

typedef struct stg_crc32c_t stg_crc32c_t;

stg_crc32c_t *stg_crc32c_create(apr_pool_t *p);
void stg_crc32c_update(stg_crc32c_t *crc, const char *bytes, apr_size_t count);

/* Of what has come; e3069283 for "123456789". */
apr_uint32_t stg_crc32c_value(const stg_crc32c_t *crc);

#endif
