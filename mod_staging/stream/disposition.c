/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/disposition.h"
#include "base/text.h"
#include "stream/field.h"

#include <apr_strings.h>

#include <strings.h>
#include <string.h>

/* The three bytes that browsers write as %22, %0D and %0A. */
static const char *undo_browser(const char *text, apr_pool_t *p)
{
    static const struct {
        const char *escape;
        char byte;
    } escapes[] = {{"%22", '"'}, {"%0D", '\r'}, {"%0A", '\n'}};
    char *copy = apr_pstrdup(p, text);
    char *out = copy;

    for (const char *in = copy; *in; in++) {
        *out = *in;
        for (int i = 0; i < 3 && *in == '%'; i++) {
            if (strncasecmp(in, escapes[i].escape, 3) == 0) {
                *out = escapes[i].byte;
                in += 2;
            }
        }
        out++;
    }
    *out = '\0';
    return copy;
}

/* "UTF-8'language'percent-encoded" (RFC 8187, 3.2). */
static const char *extended_value(const char *value, apr_pool_t *p)
{
    const char *quote;

    if (strncasecmp(value, "utf-8'", 6) != 0)
        return NULL;
    quote = strchr(value + 6, '\'');
    return quote ? stg_percent_decode(quote + 1, p) : NULL;
}

static stg_error_t *check_name(const char *name, apr_pool_t *p)
{
    apr_size_t length = name ? strlen(name) : 0;

    if (length > STG_DISPOSITION_MAX_NAME)
        return stg_raise(p, STG_E_INVALID,
                         "a name in Content-Disposition exceeds %d bytes",
                         STG_DISPOSITION_MAX_NAME);
    if (name && !stg_utf8_is_valid(name, length, NULL))
        return stg_raise(p, STG_E_INVALID, "Content-Disposition is not UTF-8");
    return STG_OK;
}

typedef struct parameters_t {
    const char *name;
    const char *filename;
    const char *extended; /* filename* */
} parameters_t;

static stg_error_t *collect(parameters_t *found, const char *at, apr_pool_t *p)
{
    const char *name, *value;

    for (;;) {
        const char **place;

        if (!stg_field_parameter(&name, &value, &at, p))
            return stg_raise(p, STG_E_INVALID,
                             "Content-Disposition is malformed");
        if (!name)
            return STG_OK;
        place = strcmp(name, "name") == 0        ? &found->name
                : strcmp(name, "filename") == 0  ? &found->filename
                : strcmp(name, "filename*") == 0 ? &found->extended
                                                 : NULL;
        if (!place)
            continue;
        if (*place)
            return stg_raise(p, STG_E_INVALID,
                             "Content-Disposition has two parameters %s", name);
        *place = value;
    }
}

stg_error_t *stg_disposition_parse(stg_disposition_t *disposition,
                                   const char *value, apr_pool_t *p)
{
    parameters_t found = {NULL, NULL, NULL};
    const char *at = value;
    const char *type;

    stg_field_skip_space(&at);
    type = stg_field_lower_token(&at, p);
    if (!type)
        return stg_raise(p, STG_E_INVALID, "Content-Disposition is malformed");
    STG_TRY(collect(&found, at, p));
    if (strcmp(type, "form-data") == 0) {
        found.name = found.name ? undo_browser(found.name, p) : NULL;
        found.filename =
            found.filename ? undo_browser(found.filename, p) : NULL;
    }
    if (found.extended) {
        found.filename = extended_value(found.extended, p);
        if (!found.filename)
            return stg_raise(p, STG_E_INVALID,
                             "filename* is not percent-encoded UTF-8");
    }
    STG_TRY(check_name(found.name, p));
    STG_TRY(check_name(found.filename, p));
    *disposition = (stg_disposition_t){
        .type = type,
        .name = found.name,
        .filename = found.filename,
    };
    return STG_OK;
}

/* Printable ASCII without what clients read in more than one way: quotes,
 * escapes of either kind and path separators (RFC 6266, 4.3 and D). One
 * underscore for each character, hence none for the later bytes of UTF-8. */
static const char *ascii_fallback(const char *filename, apr_pool_t *p)
{
    char *text = apr_palloc(p, strlen(filename) + 1);
    char *out = text;

    for (; *filename; filename++) {
        unsigned char c = (unsigned char)*filename;

        if ((c & 0xc0) == 0x80)
            continue;
        *out++ = *filename;
        if (c < ' ' || c > '~' || strchr("\"\\%/", c))
            out[-1] = '_';
    }
    *out = '\0';
    return text;
}

const char *stg_disposition(const char *filename, apr_pool_t *p)
{
    return apr_pstrcat(p, "attachment; filename=\"",
                       ascii_fallback(filename, p), "\"; filename*=UTF-8''",
                       stg_percent_encode(filename, "!#$&+^`|", p), NULL);
}
