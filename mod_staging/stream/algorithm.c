/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/algorithm.h"

#include <string.h>

static const struct {
    const char *name;
    const char *field_name;
    apr_size_t size;
} known[STG_ALGORITHMS] = {
    [STG_MD5] = {"md5", "md5", 16},
    [STG_SHA1] = {"sha1", "sha", 20},
    [STG_SHA256] = {"sha256", "sha-256", 32},
    [STG_SHA512] = {"sha512", "sha-512", 64},
};

const char *stg_algorithm_name(stg_algorithm_t algorithm)
{
    return known[algorithm].name;
}

stg_algorithm_t stg_algorithm_find(const char *name)
{
    int i = 0;

    while (i < STG_ALGORITHMS && strcmp(known[i].name, name) != 0)
        i++;
    return i;
}

const char *stg_algorithm_field_name(stg_algorithm_t algorithm)
{
    return known[algorithm].field_name;
}

stg_algorithm_t stg_algorithm_field_find(const char *name)
{
    int i = 0;

    while (i < STG_ALGORITHMS && strcmp(known[i].field_name, name) != 0)
        i++;
    return i;
}

apr_size_t stg_algorithm_size(stg_algorithm_t algorithm)
{
    return known[algorithm].size;
}
