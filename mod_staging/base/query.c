/* SPDX-License-Identifier: Apache-2.0 */
#include "base/query.h"
#include "base/text.h"

#include <apr_strings.h>

#include <string.h>

static stg_error_t *decode(const char **decoded, const char *text,
                           apr_size_t count, apr_pool_t *p)
{
    char *copy = apr_pstrmemdup(p, text, count);
    const char *value;

    for (char *plus = strchr(copy, '+'); plus; plus = strchr(plus, '+'))
        *plus = ' ';
    value = stg_percent_decode(copy, p);
    if (!value)
        return stg_raise(p, STG_E_INVALID,
                         "the query has a malformed percent-encoding");
    if (!stg_utf8_is_valid(value, strlen(value), NULL))
        return stg_raise(p, STG_E_INVALID, "the query is not UTF-8");
    *decoded = value;
    return STG_OK;
}

stg_error_t *stg_query_parse(apr_array_header_t **parameters, const char *query,
                             apr_pool_t *p)
{
    apr_array_header_t *list = apr_array_make(p, 4, sizeof(stg_parameter_t));
    const char *at = query ? query : "";

    while (*at) {
        apr_size_t length = strcspn(at, "&");
        const char *equals = memchr(at, '=', length);
        apr_size_t name = equals ? (apr_size_t)(equals - at) : length;
        stg_parameter_t found = {.value = ""};

        if (length) {
            if (list->nelts == STG_QUERY_MAX_PARAMETERS)
                return stg_raise(p, STG_E_INVALID,
                                 "the query has more than %d parameters",
                                 STG_QUERY_MAX_PARAMETERS);
            STG_TRY(decode(&found.name, at, name, p));
            if (equals)
                STG_TRY(decode(&found.value, equals + 1, length - name - 1, p));
            APR_ARRAY_PUSH(list, stg_parameter_t) = found;
        }
        at += length;
        at += *at == '&';
    }
    *parameters = list;
    return STG_OK;
}

stg_error_t *stg_query_single(const char **value,
                              const apr_array_header_t *parameters,
                              const char *name, apr_pool_t *p)
{
    const char *found = NULL;

    for (int i = 0; i < parameters->nelts; i++) {
        const stg_parameter_t *parameter =
            &APR_ARRAY_IDX(parameters, i, stg_parameter_t);

        if (strcmp(parameter->name, name) != 0)
            continue;
        if (found)
            return stg_raise(p, STG_E_INVALID,
                             "the parameter %s is given twice", name);
        found = parameter->value;
    }
    *value = found;
    return STG_OK;
}
