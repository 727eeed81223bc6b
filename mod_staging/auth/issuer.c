/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/issuer.h"
#include "auth/peer_url.h"
#include "auth/principal.h"

#include <apr_strings.h>

#include <string.h>

enum { NAME_MAX_LENGTH = 32, SUBJECT_MAX = 255, EDI_SUBJECT_MAX = 64 };

/* The options as they were written; NULL if absent. */
typedef struct options_t {
    const char *profile;
    const char *iss;
    const char *alg;
    const char *key;
    const char *jwks;
    const char *aud;
    const char *hd;
    const char *ca;
    const char *no_aud;
} options_t;

static const struct {
    const char *name;
    apr_size_t offset;
} option_list[] = {
    {"profile", APR_OFFSETOF(options_t, profile)},
    {"iss", APR_OFFSETOF(options_t, iss)},
    {"alg", APR_OFFSETOF(options_t, alg)},
    {"key", APR_OFFSETOF(options_t, key)},
    {"jwks", APR_OFFSETOF(options_t, jwks)},
    {"aud", APR_OFFSETOF(options_t, aud)},
    {"hd", APR_OFFSETOF(options_t, hd)},
    {"ca", APR_OFFSETOF(options_t, ca)},
};

enum { OPTION_COUNT = sizeof(option_list) / sizeof(option_list[0]) };

static stg_error_t *wrong(apr_pool_t *p, const char *sentence, const char *word)
{
    return stg_raise(p, STG_E_INVALID, sentence, word);
}

/* The place of the option in this word; *value gets what is behind "=". */
static const char **option_find(options_t *options, const char *word,
                                const char **value)
{
    if (!strcmp(word, "no-aud")) {
        *value = word;
        return &options->no_aud;
    }
    for (int i = 0; i < OPTION_COUNT; i++) {
        apr_size_t length = strlen(option_list[i].name);

        if (strncmp(word, option_list[i].name, length) || word[length] != '=')
            continue;
        *value = word + length + 1;
        return (const char **)((char *)options + option_list[i].offset);
    }
    return NULL;
}

static stg_error_t *read_options(options_t *options, const char *const *words,
                                 int count, apr_pool_t *p)
{
    memset(options, 0, sizeof(*options));
    for (int i = 0; i < count; i++) {
        const char *value;
        const char **place = option_find(options, words[i], &value);

        if (!place)
            return wrong(p, "an issuer has no option \"%s\"", words[i]);
        if (*place)
            return wrong(p, "\"%s\" repeats an option", words[i]);
        if (!*value)
            return wrong(p, "\"%s\" has no value", words[i]);
        *place = apr_pstrdup(p, value);
    }
    return STG_OK;
}

static stg_error_t *apply_profile(options_t *options, apr_pool_t *p)
{
    if (!options->profile)
        return STG_OK;
    if (strcmp(options->profile, "edi") != 0)
        return wrong(p, "there is no profile \"%s\", only edi",
                     options->profile);
    if (!options->iss)
        options->iss = "https://auth.edirepository.org";
    if (!options->alg)
        options->alg = "ES256";
    if (!options->hd)
        options->hd = "edirepository.org";
    if (!options->aud)
        options->no_aud = "no-aud";
    return STG_OK;
}

/* A name is the realm of its principals: no colon, and none of ours. */
static stg_error_t *check_name(const char *name, apr_pool_t *p)
{
    apr_size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_");

    if (!length || name[length] || length > NAME_MAX_LENGTH)
        return wrong(p,
                     "\"%s\" cannot name an issuer: use at most 32 of a-z, "
                     "0-9, - and _",
                     name);
    if (!strcmp(name, STG_REALM_ACCOUNT) || !strcmp(name, STG_REALM_HTTPD))
        return wrong(p, "the name %s is taken; call the issuer otherwise",
                     name);
    return STG_OK;
}

static stg_error_t *check_options(const options_t *options, const char *name,
                                  apr_pool_t *p)
{
    if (!options->iss)
        return wrong(p, "issuer %s needs iss=", name);
    if (!options->alg)
        return wrong(p, "issuer %s needs alg=, such as alg=ES256", name);
    if (!options->key == !options->jwks)
        return wrong(p, "issuer %s needs either key= or jwks=", name);
    if (!options->aud == !options->no_aud)
        return wrong(p, "issuer %s needs either aud= or no-aud", name);
    if (options->no_aud && !options->hd)
        return wrong(p, "issuer %s has no-aud and therefore needs hd=", name);
    if (options->jwks && strstr(options->jwks, "://") &&
        !stg_peer_url_is_safe(options->jwks))
        return wrong(p, "issuer %s: a jwks= URL must be https", name);
    return STG_OK;
}

static apr_array_header_t *split(const char *list, apr_pool_t *p)
{
    apr_array_header_t *parts = apr_array_make(p, 2, sizeof(const char *));
    char *rest = apr_pstrdup(p, list);

    for (char *part, *last; (part = apr_strtok(rest, ",", &last)) != NULL;) {
        rest = NULL;
        APR_ARRAY_PUSH(parts, const char *) = part;
    }
    return parts;
}

stg_error_t *stg_issuer_parse(stg_issuer_t **issuer, const char *const *words,
                              int count, apr_pool_t *p)
{
    stg_issuer_t *made = apr_pcalloc(p, sizeof(*made));
    options_t options;

    if (count < 1)
        return stg_raise(p, STG_E_INVALID, "an issuer needs a name");
    STG_TRY(check_name(words[0], p));
    STG_TRY(read_options(&options, words + 1, count - 1, p));
    STG_TRY(apply_profile(&options, p));
    STG_TRY(check_options(&options, words[0], p));
    STG_TRY(stg_jwa_parse_set(&made->algorithms, options.alg, p));
    made->name = apr_pstrdup(p, words[0]);
    made->iss = options.iss;
    made->key_files = options.key ? split(options.key, p) : NULL;
    made->jwks = options.jwks;
    made->ca_file = options.ca;
    made->audience = options.aud;
    made->hosted_domain = options.hd;
    made->subject_max = options.profile ? EDI_SUBJECT_MAX : SUBJECT_MAX;
    made->scopes = options.profile || options.no_aud
                       ? STG_SCOPE_ASK_IAM
                       : STG_SCOPE_READ | STG_SCOPE_WRITE;
    *issuer = made;
    return STG_OK;
}
