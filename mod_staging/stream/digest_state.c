/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/digest_state.h"
#include "base/text.h"

#include <apr_strings.h>

#include <string.h>

#define STATE_VERSION "1"

const char *stg_digest_state_text(apr_off_t size,
                                  stg_hasher_t *const hashers[STG_ALGORITHMS],
                                  apr_pool_t *p)
{
    const char *text = apr_psprintf(p, STATE_VERSION " %" APR_OFF_T_FMT, size);

    for (int i = 0; i < STG_ALGORITHMS; i++) {
        const char *chain, *rest;

        if (!hashers[i])
            continue;
        stg_hasher_state(&chain, &rest, hashers[i], p);
        text = apr_pstrcat(p, text, " ", stg_algorithm_name(i), ":", chain, ":",
                           rest, NULL);
    }
    return text;
}

/* What stands before the separator, or before the end; moves behind it. NULL
 * behind the end. */
static char *cut(char **at, char separator)
{
    char *begin = *at;
    char *end = begin ? strchr(begin, separator) : NULL;

    *at = end ? end + 1 : NULL;
    if (end)
        *end = '\0';
    return begin;
}

static int restore(stg_hasher_t *hasher, stg_algorithm_t algorithm,
                   apr_off_t size, char *word, apr_pool_t *p)
{
    const char *name = cut(&word, ':');
    const char *chain = cut(&word, ':');

    return name && chain && word &&
           !strcmp(name, stg_algorithm_name(algorithm)) &&
           stg_hasher_restore(hasher, size, chain, word, p);
}

static stg_error_t *unusable(apr_pool_t *p)
{
    return stg_raise(p, STG_E_INVALID, "the state of the digests is unusable");
}

stg_error_t *stg_digest_state_parse(apr_off_t *size,
                                    stg_hasher_t *const hashers[STG_ALGORITHMS],
                                    const char *text, apr_pool_t *p)
{
    apr_size_t length = strnlen(text, STG_DIGEST_STATE_MOST + 1);
    char *at = apr_pstrmemdup(p, text, length);
    const char *version, *count;
    apr_off_t found;

    if (length > STG_DIGEST_STATE_MOST)
        return unusable(p);
    version = cut(&at, ' ');
    count = cut(&at, ' ');
    if (!count || strcmp(version, STATE_VERSION) != 0 ||
        !stg_parse_offset(count, &found))
        return unusable(p);
    for (int i = 0; i < STG_ALGORITHMS; i++) {
        if (hashers[i] && !restore(hashers[i], i, found, cut(&at, ' '), p))
            return unusable(p);
    }
    /* There is one text for a state: ours. */
    if (at || strcmp(stg_digest_state_text(found, hashers, p), text) != 0)
        return unusable(p);
    *size = found;
    return STG_OK;
}
