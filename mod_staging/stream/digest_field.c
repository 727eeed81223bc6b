/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/digest_field.h"
#include "base/text.h"
#include "stream/field.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include <string.h>

/* A key of a dictionary (RFC 8941, 3.1.2), NULL if there is none. */
static const char *read_key(const char **at, apr_pool_t *p)
{
    const char *begin = *at;

    if (!apr_islower(**at) && **at != '*')
        return NULL;
    while (**at &&
           (apr_islower(**at) || apr_isdigit(**at) || strchr("_-.*", **at)))
        (*at)++;
    return apr_pstrmemdup(p, begin, *at - begin);
}

/* To the next member: behind a comma, or at the end. A comma at the end is
 * an error (RFC 8941, 4.2.2). */
static int next_member(const char **at)
{
    stg_field_skip_space(at);
    if (!**at)
        return 1;
    if (!stg_field_skip(at, ','))
        return 0;
    stg_field_skip_space(at);
    return **at != '\0';
}

/* ":base64:" (RFC 8941, 3.3.5); NULL if there is none. */
static const char *read_bytes(apr_size_t *count, const char **at, apr_pool_t *p)
{
    const char *end = **at == ':' ? strchr(*at + 1, ':') : NULL;
    const char *text;

    if (!end)
        return NULL;
    text = apr_pstrmemdup(p, *at + 1, end - *at - 1);
    *at = end + 1;
    return stg_unbase64(text, count, p);
}

static stg_error_t *malformed(apr_pool_t *p)
{
    return stg_raise(p, STG_E_INVALID,
                     "the digest field is not of the form name=:base64:");
}

static stg_error_t *keep(stg_digests_t *digests, stg_algorithm_t algorithm,
                         const char *bytes, apr_size_t count, apr_pool_t *p)
{
    if (count != stg_algorithm_size(algorithm))
        return stg_raise(p, STG_E_INVALID,
                         "the %s digest is not %" APR_SIZE_T_FMT " bytes long",
                         stg_algorithm_field_name(algorithm),
                         stg_algorithm_size(algorithm));
    digests->hex[algorithm] = stg_hex((const unsigned char *)bytes, count, p);
    return STG_OK;
}

/* err may be none. Returns it. */
static stg_error_t *note(apr_array_header_t *flaws, const char *name,
                         stg_error_t *err)
{
    APR_ARRAY_PUSH(flaws, stg_digest_flaw_t) =
        (stg_digest_flaw_t){name, err ? err->message : NULL};
    return err;
}

stg_error_t *stg_digest_field_inspect(stg_digests_t *digests,
                                      apr_array_header_t *flaws,
                                      const char *value, apr_pool_t *p)
{
    stg_digests_t found = {{NULL}};
    const char *at = value + strspn(value, " ");
    stg_error_t *err = STG_OK;

    while (*at) {
        const char *name = read_key(&at, p);
        stg_algorithm_t algorithm;
        stg_error_t *wrong = STG_OK;
        const char *bytes = NULL;
        apr_size_t count;

        if (name && stg_field_skip(&at, '='))
            bytes = read_bytes(&count, &at, p);
        if (!bytes || !next_member(&at))
            return note(flaws, name, malformed(p));
        algorithm = stg_algorithm_field_find(name);
        if (algorithm != STG_ALGORITHMS)
            wrong = keep(&found, algorithm, bytes, count, p);
        if (wrong || algorithm == STG_ALGORITHMS)
            note(flaws, name, wrong);
        if (!err)
            err = wrong;
    }
    STG_TRY(err);
    *digests = found;
    return STG_OK;
}

stg_error_t *stg_digest_field_parse(stg_digests_t *digests, const char *value,
                                    apr_pool_t *p)
{
    return stg_digest_field_inspect(
        digests, apr_array_make(p, 1, sizeof(stg_digest_flaw_t)), value, p);
}

stg_error_t *stg_digest_field_md5(stg_digests_t *digests, const char *value,
                                  apr_pool_t *p)
{
    stg_digests_t found = {{NULL}};
    apr_size_t count;
    const char *bytes = stg_unbase64(value, &count, p);

    if (!bytes)
        return stg_raise(p, STG_E_INVALID, "Content-MD5 is not base64");
    STG_TRY(keep(&found, STG_MD5, bytes, count, p));
    if (stg_digests_compare(digests, &found) != STG_ALGORITHMS)
        return stg_raise(p, STG_E_INVALID,
                         "two different MD5 digests are announced");
    digests->hex[STG_MD5] = found.hex[STG_MD5];
    return STG_OK;
}

/* A weight of 0 to 10; -1 if there is none. 0 means "not acceptable". */
static int read_weight(const char **at)
{
    int weight = 0;
    int digits = 0;

    for (; apr_isdigit(**at) && digits < 3; digits++)
        weight = 10 * weight + *(*at)++ - '0';
    return digits && weight <= 10 ? weight : -1;
}

stg_algorithm_t stg_digest_field_wanted(const char *value,
                                        stg_algorithm_set_t available,
                                        apr_pool_t *p)
{
    const char *at = value ? value + strspn(value, " ") : "";
    int weights[STG_ALGORITHMS + 1] = {0}; /* the last is for unknown ones */
    stg_algorithm_t best = STG_ALGORITHMS;

    while (*at) {
        const char *name = read_key(&at, p);
        int weight;

        if (!name || !stg_field_skip(&at, '='))
            return STG_ALGORITHMS;
        weight = read_weight(&at);
        if (weight < 0 || !next_member(&at))
            return STG_ALGORITHMS;
        weights[stg_algorithm_field_find(name)] = weight;
    }
    weights[STG_ALGORITHMS] = 0;
    /* Of equals the later, stronger one. */
    for (int i = 0; i < STG_ALGORITHMS; i++) {
        if ((available & (1U << i)) && weights[i] &&
            weights[i] >= weights[best])
            best = i;
    }
    return best;
}

const char *stg_digest_field(const stg_digests_t *digests, apr_pool_t *p)
{
    const char *field = NULL;

    for (int i = STG_ALGORITHMS - 1; i >= 0; i--) {
        const char *bytes;
        apr_size_t count;

        if (!digests->hex[i])
            continue;
        bytes = stg_unhex(digests->hex[i], &count, p);
        field = apr_pstrcat(p, field ? field : "", field ? ", " : "",
                            stg_algorithm_field_name(i), "=:",
                            stg_base64((const unsigned char *)bytes, count, p),
                            ":", NULL);
    }
    return field;
}

stg_algorithm_t stg_digests_compare(const stg_digests_t *announced,
                                    const stg_digests_t *computed)
{
    for (int i = 0; i < STG_ALGORITHMS; i++) {
        if (announced->hex[i] && computed->hex[i] &&
            strcmp(announced->hex[i], computed->hex[i]) != 0)
            return i;
    }
    return STG_ALGORITHMS;
}
