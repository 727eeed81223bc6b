/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/field.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include <string.h>

int stg_field_is_token_char(char c)
{
    return c && strchr("!#$%&'*+-.^_`|~0123456789"
                       "abcdefghijklmnopqrstuvwxyz"
                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                       c);
}

void stg_field_skip_space(const char **at)
{
    *at += strspn(*at, " \t");
}

int stg_field_skip(const char **at, char c)
{
    if (**at != c)
        return 0;
    (*at)++;
    return 1;
}

const char *stg_field_token(const char **at, apr_pool_t *p)
{
    const char *begin = *at;

    while (stg_field_is_token_char(**at))
        (*at)++;
    return *at > begin ? apr_pstrmemdup(p, begin, *at - begin) : NULL;
}

const char *stg_field_lower_token(const char **at, apr_pool_t *p)
{
    char *token = (char *)stg_field_token(at, p);

    for (char *c = token; c && *c; c++)
        *c = (char)apr_tolower(*c);
    return token;
}

const char *stg_field_quoted(const char **at, apr_pool_t *p)
{
    const char *c = *at;
    char *text, *out;

    if (*c++ != '"')
        return NULL;
    text = out = apr_palloc(p, strlen(c) + 1);
    for (; *c != '"'; c++) {
        if (!*c)
            return NULL;
        if (*c == '\\' && (c[1] == '"' || c[1] == '\\'))
            c++;
        *out++ = *c;
    }
    *out = '\0';
    *at = c + 1;
    return text;
}

static int parameter(const char **name, const char **value, const char **at,
                     apr_pool_t *p)
{
    *name = stg_field_lower_token(at, p);
    if (!*name)
        return 0;
    stg_field_skip_space(at);
    if (!stg_field_skip(at, '='))
        return 0;
    stg_field_skip_space(at);
    *value = **at == '"' ? stg_field_quoted(at, p) : stg_field_token(at, p);
    return *value != NULL;
}

int stg_field_parameter(const char **name, const char **value, const char **at,
                        apr_pool_t *p)
{
    const char *c = *at;

    /* Empty parameters are allowed, also at the end (RFC 9110, 5.6.6). */
    stg_field_skip_space(&c);
    if (*c && *c != ';')
        return 0;
    while (stg_field_skip(&c, ';'))
        stg_field_skip_space(&c);
    *name = NULL;
    if (*c && !parameter(name, value, &c, p))
        return 0;
    *at = c;
    return 1;
}
