/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sigv4.h"
#include "base/text.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdlib.h>
#include <string.h>

#define ALGORITHM "AWS4-HMAC-SHA256"

enum { DATE_CHARS = 8, HASH_BYTES = 32 };

typedef struct pair_t {
    const char *name;
    const char *value;
    int index; /* keeps repeated names in their order */
} pair_t;

const char *stg_sigv4_date(apr_time_t time, apr_pool_t *p)
{
    apr_time_exp_t t;

    apr_time_exp_gmt(&t, time);
    return apr_psprintf(p, "%04d%02d%02dT%02d%02d%02dZ", t.tm_year + 1900,
                        t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
}

const char *stg_sigv4_path(const char *key, apr_pool_t *p)
{
    return stg_percent_encode(key, "/", p);
}

static int compare_by_value(const void *a, const void *b)
{
    const pair_t *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order ? order : strcmp(x->value, y->value);
}

static int compare_by_index(const void *a, const void *b)
{
    const pair_t *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order ? order : x->index - y->index;
}

static void append(apr_array_header_t *texts, const char *text)
{
    APR_ARRAY_PUSH(texts, const char *) = text;
}

/* Names and values are compared apart: '-' and '.' sort before '=', so that
 * joined pairs would come out in another order. */
const char *stg_sigv4_query(const apr_table_t *query, apr_pool_t *p)
{
    const apr_array_header_t *all;
    const apr_table_entry_t *entries;
    apr_array_header_t *texts;
    pair_t *pairs;

    if (!query || apr_is_empty_table(query))
        return "";
    all = apr_table_elts(query);
    entries = (const apr_table_entry_t *)all->elts;
    pairs = apr_palloc(p, (apr_size_t)all->nelts * sizeof(*pairs));
    for (int i = 0; i < all->nelts; i++) {
        pairs[i].name = stg_percent_encode(entries[i].key, NULL, p);
        pairs[i].value = stg_percent_encode(entries[i].val, NULL, p);
    }
    qsort(pairs, (size_t)all->nelts, sizeof(*pairs), compare_by_value);
    texts = apr_array_make(p, 4 * all->nelts, sizeof(const char *));
    for (int i = 0; i < all->nelts; i++) {
        append(texts, i ? "&" : "");
        append(texts, pairs[i].name);
        append(texts, "=");
        append(texts, pairs[i].value);
    }
    return apr_array_pstrcat(p, texts, 0);
}

/* Without outer white space, inner runs folded to one space. */
static const char *fold(const char *value, apr_pool_t *p)
{
    char *folded = apr_palloc(p, strlen(value) + 1);
    char *to = folded;

    for (; *value; value++) {
        if (!apr_isspace(*value)) {
            *to++ = *value;
        } else if (to > folded && to[-1] != ' ') {
            *to++ = ' ';
        }
    }
    if (to > folded && to[-1] == ' ')
        to--;
    *to = '\0';
    return folded;
}

static const char *lower(const char *text, apr_pool_t *p)
{
    char *copy = apr_pstrdup(p, text);

    for (char *c = copy; *c; c++)
        *c = (char)apr_tolower(*c);
    return copy;
}

static pair_t *sorted_headers(int *count, const apr_table_t *headers,
                              apr_pool_t *p)
{
    const apr_array_header_t *all = apr_table_elts(headers);
    const apr_table_entry_t *entries = (const apr_table_entry_t *)all->elts;
    pair_t *pairs = apr_palloc(p, (apr_size_t)all->nelts * sizeof(*pairs));

    for (int i = 0; i < all->nelts; i++) {
        pairs[i].name = lower(entries[i].key, p);
        pairs[i].value = fold(entries[i].val, p);
        pairs[i].index = i;
    }
    qsort(pairs, (size_t)all->nelts, sizeof(*pairs), compare_by_index);
    *count = all->nelts;
    return pairs;
}

const char *stg_sigv4_signed_names(const apr_table_t *headers, apr_pool_t *p)
{
    int count;
    pair_t *pairs = sorted_headers(&count, headers, p);
    apr_array_header_t *names = apr_array_make(p, count, sizeof(const char *));

    for (int i = 0; i < count; i++) {
        if (i == 0 || strcmp(pairs[i].name, pairs[i - 1].name) != 0)
            append(names, pairs[i].name);
    }
    return apr_array_pstrcat(p, names, ';');
}

/* "name:value\n" each; values of a repeated name stand on one line. */
static const char *canonical_headers(const apr_table_t *headers, apr_pool_t *p)
{
    int count;
    pair_t *pairs = sorted_headers(&count, headers, p);
    apr_array_header_t *texts =
        apr_array_make(p, 4 * count + 1, sizeof(const char *));

    for (int i = 0; i < count; i++) {
        if (i > 0 && strcmp(pairs[i].name, pairs[i - 1].name) == 0) {
            append(texts, ",");
        } else {
            append(texts, i ? "\n" : "");
            append(texts, pairs[i].name);
            append(texts, ":");
        }
        append(texts, pairs[i].value);
    }
    append(texts, "\n");
    return apr_array_pstrcat(p, texts, 0);
}

static const char *canonical_with(const stg_sigv4_request_t *request,
                                  const char *query, apr_pool_t *p)
{
    return apr_pstrcat(p, request->method, "\n", request->path, "\n", query,
                       "\n", canonical_headers(request->headers, p), "\n",
                       stg_sigv4_signed_names(request->headers, p), "\n",
                       request->payload, NULL);
}

const char *stg_sigv4_canonical(const stg_sigv4_request_t *request,
                                apr_pool_t *p)
{
    return canonical_with(request, stg_sigv4_query(request->query, p), p);
}

/* The date in it comes from the same clock reading as the timestamp. */
static const char *scope(const stg_sigv4_signer_t *signer, apr_pool_t *p)
{
    return apr_psprintf(p, "%.*s/%s/%s/aws4_request", DATE_CHARS,
                        stg_sigv4_date(signer->time, p), signer->region,
                        signer->service);
}

const char *stg_sigv4_string_to_sign(const stg_sigv4_signer_t *signer,
                                     const char *canonical, apr_pool_t *p)
{
    return apr_pstrcat(p, ALGORITHM "\n", stg_sigv4_date(signer->time, p), "\n",
                       scope(signer, p), "\n", stg_sha256_hex(canonical, p),
                       NULL);
}

static void hmac(unsigned char *result, const unsigned char *key, int key_size,
                 const char *text)
{
    unsigned int size = HASH_BYTES;

    /* It can only fail for lack of memory, where APR ends the process too. */
    if (!HMAC(EVP_sha256(), key, key_size, (const unsigned char *)text,
              strlen(text), result, &size))
        abort();
}

const char *stg_sigv4_signature(const stg_sigv4_signer_t *signer,
                                const char *string_to_sign, apr_pool_t *p)
{
    char *secret = apr_pstrcat(p, "AWS4", signer->secret_key, NULL);
    const char *date =
        apr_pstrndup(p, stg_sigv4_date(signer->time, p), DATE_CHARS);
    unsigned char key[HASH_BYTES], next[HASH_BYTES];

    hmac(key, (const unsigned char *)secret, (int)strlen(secret), date);
    OPENSSL_cleanse(secret, strlen(secret));
    hmac(next, key, HASH_BYTES, signer->region);
    hmac(key, next, HASH_BYTES, signer->service);
    hmac(next, key, HASH_BYTES, "aws4_request");
    hmac(key, next, HASH_BYTES, string_to_sign);
    OPENSSL_cleanse(next, sizeof(next));
    return stg_hex(key, sizeof(key), p);
}

static const char *sign(const stg_sigv4_signer_t *signer, const char *canonical,
                        apr_pool_t *p)
{
    const char *text = stg_sigv4_string_to_sign(signer, canonical, p);

    return stg_sigv4_signature(signer, text, p);
}

const char *stg_sigv4_authorization(const stg_sigv4_signer_t *signer,
                                    const stg_sigv4_request_t *request,
                                    apr_pool_t *p)
{
    return apr_pstrcat(
        p, ALGORITHM " Credential=", signer->access_key, "/", scope(signer, p),
        ", SignedHeaders=", stg_sigv4_signed_names(request->headers, p),
        ", Signature=", sign(signer, stg_sigv4_canonical(request, p), p), NULL);
}

const char *stg_sigv4_presign(const stg_sigv4_signer_t *signer,
                              const stg_sigv4_request_t *request,
                              apr_interval_time_t lifetime, apr_pool_t *p)
{
    apr_table_t *all = request->query ? apr_table_copy(p, request->query)
                                      : apr_table_make(p, 6);
    const char *query;

    apr_table_addn(all, "X-Amz-Algorithm", ALGORITHM);
    apr_table_addn(
        all, "X-Amz-Credential",
        apr_pstrcat(p, signer->access_key, "/", scope(signer, p), NULL));
    apr_table_addn(all, "X-Amz-Date", stg_sigv4_date(signer->time, p));
    apr_table_addn(all, "X-Amz-Expires",
                   apr_psprintf(p, "%" APR_TIME_T_FMT, apr_time_sec(lifetime)));
    apr_table_addn(all, "X-Amz-SignedHeaders",
                   stg_sigv4_signed_names(request->headers, p));
    if (signer->token)
        apr_table_addn(all, "X-Amz-Security-Token", signer->token);
    query = stg_sigv4_query(all, p);
    return apr_pstrcat(p, query, "&X-Amz-Signature=",
                       sign(signer, canonical_with(request, query, p), p),
                       NULL);
}
