/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/file_name.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include <stdlib.h>
#include <string.h>
#include <uninorm.h>

/* The bytes of the character that is not to be shown, 0 if it may be: C0, DEL
 * and C1, U+202A to U+202E, U+2066 to U+2069. */
static apr_size_t hidden_bytes(const char *at)
{
    const unsigned char *c = (const unsigned char *)at;

    if (c[0] < ' ' || c[0] == 0x7f)
        return 1;
    if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f)
        return 2;
    if (c[0] == 0xe2 && ((c[1] == 0x80 && c[2] >= 0xaa && c[2] <= 0xae) ||
                         (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9)))
        return 3;
    return 0;
}

static int is_trimmed(char c)
{
    return c == '.' || c == ' ';
}

/* In place. */
static void drop_hidden(char *text)
{
    char *out = text;

    for (const char *in = text; *in;) {
        apr_size_t hidden = hidden_bytes(in);

        if (hidden)
            in += hidden;
        else
            *out++ = *in++;
    }
    *out = '\0';
}

/* What is no UTF-8 stays as it is. */
static char *normalize(char *text, apr_pool_t *p)
{
    size_t length;
    uint8_t *composed = u8_normalize(UNINORM_NFC, (const uint8_t *)text,
                                     strlen(text), NULL, &length);

    if (composed)
        text = apr_pstrmemdup(p, (const char *)composed, length);
    free(composed);
    return text;
}

/* One component. Normalized behind hidden characters, which may part a letter
 * from its mark, and before it is cut: of composed text every piece is. */
static char *clean(const char *component, apr_pool_t *p)
{
    char *name = apr_pstrdup(p, component);
    apr_size_t length;

    drop_hidden(name);
    name = normalize(name, p);
    while (is_trimmed(*name))
        name++;
    length = strlen(name);
    if (length > STG_FILE_NAME_MOST) {
        length = STG_FILE_NAME_MOST;
        while (length && (name[length] & 0xc0) == 0x80)
            length--;
    }
    while (length && is_trimmed(name[length - 1]))
        length--;
    name[length] = '\0';
    return name;
}

const char *stg_file_name(const char *text, apr_pool_t *p)
{
    const char *name;

    for (const char *at = text; *at; at++) {
        if (*at == '/' || *at == '\\')
            text = at + 1;
    }
    name = clean(text, p);
    return *name ? name : NULL;
}

static int is_absolute(const char *text)
{
    return *text == '/' || *text == '\\' ||
           (apr_isalpha(*text) && text[1] == ':');
}

const char *stg_file_path(const char *text, apr_pool_t *p)
{
    const char *path = NULL;
    const char *component;
    char *state;

    if (is_absolute(text))
        return NULL;
    component = apr_strtok(apr_pstrdup(p, text), "/\\", &state);
    for (; component; component = apr_strtok(NULL, "/\\", &state)) {
        const char *name;

        if (strcmp(component, ".") == 0)
            continue;
        name = clean(component, p);
        if (!*name || is_absolute(name))
            return NULL;
        path = path ? apr_pstrcat(p, path, "/", name, NULL) : name;
    }
    return path;
}
