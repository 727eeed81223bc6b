/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/key_set.h"
#include "auth/pem_key.h"
#include "base/json.h"
#include "base/text.h"

#include <cjose/jwk.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry_t {
    cjose_jwk_t *key;
    stg_jwa_set_t fits;
} entry_t;

struct stg_key_set_t {
    _Atomic int references;
    int count;
    entry_t entries[STG_KEY_SET_MAX_KEYS];
};

static stg_key_set_t *create(void)
{
    stg_key_set_t *set = calloc(1, sizeof(*set));

    if (!set)
        abort();
    set->references = 1;
    return set;
}

stg_key_set_t *stg_key_set_share(stg_key_set_t *set)
{
    set->references++;
    return set;
}

void stg_key_set_release(stg_key_set_t *set)
{
    if (--set->references > 0)
        return;
    for (int i = 0; i < set->count; i++)
        cjose_jwk_release(set->entries[i].key);
    free(set);
}

static apr_status_t release(void *set)
{
    stg_key_set_release(set);
    return APR_SUCCESS;
}

void stg_key_set_own(stg_key_set_t *set, apr_pool_t *p)
{
    apr_pool_cleanup_register(p, set, release, apr_pool_cleanup_null);
}

int stg_key_set_size(const stg_key_set_t *set)
{
    return set->count;
}

static stg_jwa_set_t fits_of(const cjose_jwk_t *key)
{
    switch (cjose_jwk_get_kty(key, NULL)) {
    case CJOSE_JWK_KTY_EC:
        return stg_jwa_set_of_curve(cjose_jwk_EC_get_curve(key, NULL));
    case CJOSE_JWK_KTY_RSA:
        return stg_jwa_set_of_rsa((int)cjose_jwk_get_keysize(key, NULL));
    default:
        return 0;
    }
}

/* Takes over the key. */
static void add(stg_key_set_t *set, cjose_jwk_t *key, stg_jwa_set_t fits)
{
    if (fits)
        set->entries[set->count++] = (entry_t){.key = key, .fits = fits};
    else
        cjose_jwk_release(key);
}

static int is_text(const json_t *value, const char *text)
{
    return json_is_string(value) && !strcmp(json_string_value(value), text);
}

/* Does its owner mean it for checking signatures? (RFC 7517, 4.2, 4.3) */
static int is_for_signatures(const json_t *jwk)
{
    const json_t *use = json_object_get(jwk, "use");
    const json_t *operations = json_object_get(jwk, "key_ops");
    json_t *operation;
    size_t i;

    if (use && !is_text(use, "sig"))
        return 0;
    if (!operations)
        return 1;
    json_array_foreach(operations, i, operation)
    {
        if (is_text(operation, "verify"))
            return 1;
    }
    return 0;
}

/* A key that names its algorithm is for that one only (RFC 7517, 4.4). */
static stg_jwa_set_t named_by(const json_t *jwk)
{
    const json_t *alg = json_object_get(jwk, "alg");
    stg_jwa_t named;

    if (!alg)
        return ~0U;
    if (!json_is_string(alg))
        return 0;
    named = stg_jwa_find(json_string_value(alg));
    return named == STG_JWAS ? 0 : 1U << named;
}

/* Are its numbers what cjose can read? It ends the process (an assertion) if
 * it meets base64url that is cut or padded in the wrong place. */
static int is_decodable(const json_t *jwk, apr_pool_t *p)
{
    static const char *const numbers[] = {"x", "y", "n",  "e",  "d",
                                          "p", "q", "dp", "dq", "qi"};
    apr_size_t count;

    for (apr_size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        const json_t *value = json_object_get(jwk, numbers[i]);
        const char *text = json_string_value(value);

        if (value && (!text || !stg_unbase64url(text, &count, p) || !count))
            return 0;
    }
    return 1;
}

static void add_jwk(stg_key_set_t *set, json_t *jwk, apr_pool_t *p)
{
    const json_t *kty = json_object_get(jwk, "kty");
    cjose_jwk_t *key;

    if (!is_text(kty, "EC") && !is_text(kty, "RSA"))
        return;
    if (!is_for_signatures(jwk) || !is_decodable(jwk, p))
        return;
    key = cjose_jwk_import_json((cjose_header_t *)jwk, NULL);
    if (key)
        add(set, key, fits_of(key) & named_by(jwk));
}

stg_error_t *stg_key_set_parse(stg_key_set_t **set, const char *bytes,
                               apr_size_t count, apr_pool_t *p)
{
    json_t *document;
    json_t *keys;
    json_t *jwk;
    size_t i;

    STG_TRY(stg_json_parse(&document, bytes, count, STG_KEY_SET_MAX_BYTES, p));
    keys = json_object_get(document, "keys");
    if (!json_is_array(keys))
        return stg_raise(p, STG_E_INVALID, "the key set has no \"keys\"");
    if (json_array_size(keys) > STG_KEY_SET_MAX_KEYS)
        return stg_raise(p, STG_E_INVALID, "the key set has too many keys");
    *set = create();
    json_array_foreach(keys, i, jwk) add_jwk(*set, jwk, p);
    return STG_OK;
}

stg_error_t *stg_key_set_read_pem(stg_key_set_t **set,
                                  const apr_array_header_t *files,
                                  apr_pool_t *p)
{
    stg_key_set_t *made = create();

    /* The set is ours until it is whole; a failure leaves it to p. */
    stg_key_set_own(made, p);
    for (int i = 0; i < files->nelts; i++) {
        const char *file = APR_ARRAY_IDX(files, i, const char *);
        cjose_jwk_t *key;

        if (made->count == STG_KEY_SET_MAX_KEYS)
            return stg_raise(p, STG_E_INVALID, "these are too many keys");
        STG_TRY(stg_pem_key_read(&key, file, p));
        if (!fits_of(key)) {
            cjose_jwk_release(key);
            return stg_raise(p, STG_E_INVALID,
                             "the key in %s is neither on the curve P-256, "
                             "P-384 or P-521 nor RSA of 2048 to 8192 bits",
                             file);
        }
        add(made, key, fits_of(key));
    }
    *set = stg_key_set_share(made);
    return STG_OK;
}

apr_array_header_t *stg_key_set_find(const stg_key_set_t *set,
                                     stg_jwa_t algorithm, const char *kid,
                                     apr_pool_t *p)
{
    apr_array_header_t *found = apr_array_make(p, 2, sizeof(cjose_jwk_t *));

    for (int i = 0; i < set->count; i++) {
        const entry_t *entry = &set->entries[i];
        const char *its_kid = cjose_jwk_get_kid(entry->key, NULL);

        if (!(entry->fits & 1U << algorithm))
            continue;
        if (kid && its_kid && strcmp(kid, its_kid) != 0)
            continue;
        APR_ARRAY_PUSH(found, cjose_jwk_t *) = entry->key;
    }
    return found;
}
