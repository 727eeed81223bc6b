/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/upload_concat.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include <string.h>

#define FINAL "final;"

/* Behind "scheme:", or where it was if there is no scheme (RFC 3986, 3.1). */
static const char *skip_scheme(const char *url)
{
    const char *at = url;

    if (!apr_isalpha(*at))
        return url;
    while (apr_isalnum(*at) || *at == '+' || *at == '-' || *at == '.')
        at++;
    return *at == ':' ? at + 1 : url;
}

/* Which of our names and addresses a client uses, and by which scheme, is no
 * matter of ours: the path alone tells the upload. */
static const char *path_of(const char *url, apr_pool_t *p)
{
    url = skip_scheme(url);
    if (strncmp(url, "//", 2) == 0) {
        url += 2;
        url += strcspn(url, "/?#");
    }
    return apr_pstrmemdup(p, url, strcspn(url, "?#"));
}

stg_error_t *stg_upload_concat_parse(stg_upload_concat_t *concat,
                                     const char *value, apr_pool_t *p)
{
    apr_array_header_t *paths = apr_array_make(p, 8, sizeof(const char *));
    char *state;

    if (strcmp(value, "partial") == 0) {
        *concat = (stg_upload_concat_t){.is_final = 0, .paths = paths};
        return STG_OK;
    }
    if (strncmp(value, FINAL, strlen(FINAL)) != 0)
        return stg_raise(p, STG_E_INVALID,
                         "Upload-Concat is neither partial nor final;URL ...");
    for (const char *c = value; *c; c++) {
        if (*c < ' ' || *c > '~')
            return stg_raise(p, STG_E_INVALID,
                             "Upload-Concat is not printable ASCII");
    }
    for (const char *url =
             apr_strtok(apr_pstrdup(p, value + strlen(FINAL)), " ", &state);
         url; url = apr_strtok(NULL, " ", &state))
        APR_ARRAY_PUSH(paths, const char *) = path_of(url, p);
    if (!paths->nelts)
        return stg_raise(p, STG_E_INVALID, "Upload-Concat is final of nothing");
    *concat = (stg_upload_concat_t){.is_final = 1, .paths = paths};
    return STG_OK;
}
