/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/credentials.h"

#include "base/text.h"

#include <apr_strings.h>

#include <string.h>

/* If the pair of count bytes is a credential, put its value where it belongs.
 * Only names short enough to be one of ours are decoded. */
static int take_credential(stg_credentials_t *credentials, const char *pair,
                           apr_size_t count, apr_size_t named, apr_pool_t *p)
{
    enum { LONGEST = 3 * sizeof("signature") };
    const char *value = "";
    const char **place;
    const char *name;

    if (named > LONGEST)
        return 0;
    name = stg_percent_decode(apr_pstrndup(p, pair, named), p);
    if (!name)
        return 0;
    place = !strcmp(name, "key")         ? &credentials->key
            : !strcmp(name, "token")     ? &credentials->token
            : !strcmp(name, "signature") ? &credentials->signature
            : !strcmp(name, "edi_token") ? &credentials->returned
                                         : NULL;
    if (!place)
        return 0;
    if (*place)
        credentials->is_repeated = 1;
    if (named < count)
        value = stg_percent_decode(
            apr_pstrndup(p, pair + named + 1, count - named - 1), p);
    *place = value ? value : "";
    return 1;
}

char *stg_credentials_split(stg_credentials_t *credentials, const char **masked,
                            const char *args, apr_pool_t *p)
{
    apr_size_t length = strlen(args);
    char *rest = apr_palloc(p, length + 1);
    char *rest_end = rest;
    /* "key" becomes "key=***": never more than twice as long and a bit */
    char *shown = apr_palloc(p, 2 * length + sizeof("=***"));
    char *shown_end = shown;

    for (const char *pair = args; pair;) {
        const char *amp = strchr(pair, '&');
        apr_size_t count = amp ? (apr_size_t)(amp - pair) : strlen(pair);
        const char *equals = memchr(pair, '=', count);
        apr_size_t named = equals ? (apr_size_t)(equals - pair) : count;
        int is_secret = take_credential(credentials, pair, count, named, p);
        apr_size_t kept = is_secret ? named : count;

        if (!is_secret) {
            rest_end += rest_end > rest ? (*rest_end = '&', 1) : 0;
            rest_end = apr_cpystrn(rest_end, pair, count + 1);
        }
        shown_end += shown_end > shown ? (*shown_end = '&', 1) : 0;
        shown_end = apr_cpystrn(shown_end, pair, kept + 1);
        shown_end =
            apr_cpystrn(shown_end, is_secret ? "=***" : "", sizeof("=***"));
        pair = amp ? amp + 1 : NULL;
    }
    *rest_end = *shown_end = '\0';
    *masked = shown;
    return rest_end > rest ? rest : NULL;
}

stg_error_t *stg_credentials_bearer(stg_credentials_t *credentials,
                                    const char *value, apr_pool_t *p)
{
    static const char scheme[] = "Bearer ";

    if (!value || strncasecmp(value, scheme, sizeof(scheme) - 1))
        return STG_OK;
    value += sizeof(scheme) - 1;
    while (*value == ' ')
        value++;
    /* httpd joins repeated headers with a comma, which no token contains */
    if (strchr(value, ','))
        return stg_raise(p, STG_E_INVALID,
                         "the Authorization header was sent twice");
    credentials->bearer = value;
    return STG_OK;
}
