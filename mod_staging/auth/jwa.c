/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/jwa.h"

#include <apr_strings.h>

#include <openssl/obj_mac.h>

#include <string.h>

/* Shorter ones are weak (RFC 7518, 3.3), longer ones cost too much time. */
enum { RSA_MIN_BITS = 2048, RSA_MAX_BITS = 8192 };

/* The curve an algorithm is fixed to; RSA has none. */
enum { RSA = 0 };

static const struct {
    const char *name;
    int curve;
} algorithms[STG_JWAS] = {
    [STG_ES256] = {"ES256", NID_X9_62_prime256v1},
    [STG_ES384] = {"ES384", NID_secp384r1},
    [STG_ES512] = {"ES512", NID_secp521r1},
    [STG_RS256] = {"RS256", RSA},
    [STG_RS384] = {"RS384", RSA},
    [STG_RS512] = {"RS512", RSA},
    [STG_PS256] = {"PS256", RSA},
    [STG_PS384] = {"PS384", RSA},
    [STG_PS512] = {"PS512", RSA},
};

stg_jwa_t stg_jwa_find(const char *name)
{
    stg_jwa_t found = 0;

    while (found < STG_JWAS && strcmp(name, algorithms[found].name) != 0)
        found++;
    return found;
}

stg_error_t *stg_jwa_parse_set(stg_jwa_set_t *set, const char *names,
                               apr_pool_t *p)
{
    char *rest = apr_pstrdup(p, names);
    stg_jwa_set_t result = 0;

    for (char *name, *last; (name = apr_strtok(rest, ",", &last)) != NULL;) {
        stg_jwa_t found = stg_jwa_find(name);

        rest = NULL;
        if (found == STG_JWAS)
            return stg_raise(p, STG_E_INVALID,
                             "\"%s\" is no algorithm for tokens: use ES256, "
                             "ES384, ES512, RS256 to RS512 or PS256 to PS512",
                             name);
        result |= 1U << found;
    }
    if (!result)
        return stg_raise(p, STG_E_INVALID, "alg= names no algorithm");
    *set = result;
    return STG_OK;
}

stg_jwa_set_t stg_jwa_set_of_curve(int curve)
{
    stg_jwa_set_t set = 0;

    for (int i = 0; i < STG_JWAS; i++) {
        if (algorithms[i].curve == curve)
            set |= 1U << i;
    }
    return set;
}

stg_jwa_set_t stg_jwa_set_of_rsa(int bits)
{
    if (bits < RSA_MIN_BITS || bits > RSA_MAX_BITS)
        return 0;
    return stg_jwa_set_of_curve(RSA);
}
