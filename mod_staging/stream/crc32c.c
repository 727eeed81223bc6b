/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/crc32c.h"

#include <stdint.h>

enum { SLICES = 8 };

/* Slicing by 8: tables[n][byte] is what a byte does to the sum when n more
 * have followed, so that eight are taken in one step. They are made anew each
 * time: 2048 steps are nothing beside a request. */
struct stg_crc32c_t {
    uint32_t sum;
    uint32_t tables[SLICES][256];
};

static uint32_t shift_byte(uint32_t sum)
{
    const uint32_t polynomial = 0x82f63b78; /* the lowest bit first */

    for (int bit = 0; bit < 8; bit++)
        sum = sum >> 1 ^ (sum & 1 ? polynomial : 0);
    return sum;
}

stg_crc32c_t *stg_crc32c_create(apr_pool_t *p)
{
    stg_crc32c_t *crc = apr_palloc(p, sizeof(*crc));

    crc->sum = UINT32_MAX;
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t sum = crc->tables[0][byte] = shift_byte(byte);

        for (int n = 1; n < SLICES; n++)
            sum = crc->tables[n][byte] = shift_byte(sum);
    }
    return crc;
}

static uint32_t little_endian(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
           (uint32_t)at[3] << 24;
}

void stg_crc32c_update(stg_crc32c_t *crc, const char *bytes, apr_size_t count)
{
    const unsigned char *at = (const unsigned char *)bytes;
    const uint32_t(*t)[256] = (const uint32_t(*)[256])crc->tables;
    uint32_t sum = crc->sum;

    for (; count >= SLICES; count -= SLICES, at += SLICES) {
        uint32_t a = sum ^ little_endian(at);
        uint32_t b = little_endian(at + 4);

        sum = t[7][a & 255] ^ t[6][a >> 8 & 255] ^ t[5][a >> 16 & 255] ^
              t[4][a >> 24] ^ t[3][b & 255] ^ t[2][b >> 8 & 255] ^
              t[1][b >> 16 & 255] ^ t[0][b >> 24];
    }
    while (count--)
        sum = sum >> 8 ^ t[0][(sum ^ *at++) & 255];
    crc->sum = sum;
}

apr_uint32_t stg_crc32c_value(const stg_crc32c_t *crc)
{
    return ~crc->sum;
}
