/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/checksum.h"
#include "base/text.h"
#include "stream/crc32c.h"
#include "stream/hasher.h"

#include <apr_strings.h>

#include <string.h>

#define CRC32C "crc32c"

enum { CRC32C_BYTES = 4 };

/* The place of the result of one of tus' algorithms and its length in bytes;
 * NULL if the name is of none. */
static const char **find(apr_size_t *size, stg_checksums_t *of,
                         const char *name)
{
    stg_algorithm_t algorithm = stg_algorithm_find(name);

    if (strcmp(name, CRC32C) == 0) {
        *size = CRC32C_BYTES;
        return &of->crc32c;
    }
    /* We could compute SHA-512, but do not announce it. */
    if (algorithm == STG_ALGORITHMS || algorithm == STG_SHA512)
        return NULL;
    *size = stg_algorithm_size(algorithm);
    return &of->digests.hex[algorithm];
}

stg_error_t *stg_checksum_parse(stg_checksums_t *announced, const char *value,
                                apr_pool_t *p)
{
    stg_checksums_t found = {.crc32c = NULL};
    const char *space = strchr(value, ' ');
    apr_size_t size = 0;
    apr_size_t count;
    const char *bytes;
    const char **hex;

    if (!space)
        return stg_raise(p, STG_E_INVALID,
                         "Upload-Checksum is not an algorithm, a space and "
                         "base64");
    hex = find(&size, &found, apr_pstrmemdup(p, value, space - value));
    if (!hex)
        return stg_raise(p, STG_E_INVALID,
                         "Upload-Checksum has none of the "
                         "algorithms " STG_CHECKSUM_ALGORITHMS);
    bytes = stg_unbase64(space + 1, &count, p);
    if (!bytes || count != size)
        return stg_raise(
            p, STG_E_INVALID,
            "Upload-Checksum is not %" APR_SIZE_T_FMT " bytes in base64", size);
    *hex = stg_hex((const unsigned char *)bytes, count, p);
    *announced = found;
    return STG_OK;
}

static stg_error_t *compare(const char *name, const char *announced,
                            const char *computed, apr_pool_t *p)
{
    if (!announced || (computed && strcmp(announced, computed) == 0))
        return STG_OK;
    return stg_raise(p, STG_E_CHECKSUM,
                     "the %s of what arrived is not what was announced", name);
}

stg_error_t *stg_checksums_compare(const stg_checksums_t *announced,
                                   const stg_checksums_t *computed,
                                   apr_pool_t *p)
{
    for (int i = 0; i < STG_ALGORITHMS; i++)
        STG_TRY(compare(stg_algorithm_name(i), announced->digests.hex[i],
                        computed->digests.hex[i], p));
    return compare(CRC32C, announced->crc32c, computed->crc32c, p);
}

struct stg_checksum_t {
    stg_sink_t sink;
    stg_sink_t *next;
    stg_hasher_t *hashers[STG_ALGORITHMS]; /* NULL: not asked for */
    stg_crc32c_t *crc32c;
};

static stg_error_t *checksum_write(stg_sink_t *sink, const char *bytes,
                                   apr_size_t count)
{
    stg_checksum_t *checksum = (stg_checksum_t *)sink;

    for (int i = 0; i < STG_ALGORITHMS; i++) {
        if (checksum->hashers[i])
            stg_hasher_update(checksum->hashers[i], bytes, count);
    }
    if (checksum->crc32c)
        stg_crc32c_update(checksum->crc32c, bytes, count);
    return stg_sink_write(checksum->next, bytes, count);
}

static stg_error_t *checksum_close(stg_sink_t *sink)
{
    return stg_sink_close(((stg_checksum_t *)sink)->next);
}

stg_checksum_t *stg_checksum_create(stg_sink_t *next,
                                    const stg_checksums_t *announced,
                                    apr_pool_t *p)
{
    static const stg_sink_class_t cls = {checksum_write, checksum_close};
    stg_checksum_t *checksum = apr_pcalloc(p, sizeof(*checksum));

    checksum->sink = (stg_sink_t){.cls = &cls, .pool = p};
    checksum->next = next;
    for (int i = 0; i < STG_ALGORITHMS; i++) {
        if (!announced || announced->digests.hex[i])
            checksum->hashers[i] = stg_hasher_create(i, p);
    }
    if (!announced || announced->crc32c)
        checksum->crc32c = stg_crc32c_create(p);
    return checksum;
}

stg_sink_t *stg_checksum_sink(stg_checksum_t *checksum)
{
    return &checksum->sink;
}

stg_error_t *stg_checksum_finish(stg_checksums_t *computed,
                                 stg_checksum_t *checksum, apr_pool_t *p)
{
    stg_checksums_t found = {.crc32c = NULL};

    for (int i = 0; i < STG_ALGORITHMS; i++) {
        if (checksum->hashers[i])
            STG_TRY(stg_hasher_finish(&found.digests.hex[i],
                                      checksum->hashers[i], p));
    }
    if (checksum->crc32c)
        found.crc32c =
            apr_psprintf(p, "%08x", stg_crc32c_value(checksum->crc32c));
    *computed = found;
    return STG_OK;
}
