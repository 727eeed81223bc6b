/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/upload_metadata.h"
#include "base/text.h"
#include "stream/field.h"
#include "stream/file_name.h"

#include <apr_strings.h>

#include <string.h>

static stg_error_t *malformed(apr_pool_t *p, const char *why)
{
    return stg_raise(p, STG_E_INVALID, "Upload-Metadata %s", why);
}

static int is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* A copy without space around. */
static char *trimmed(const char *from, const char *end, apr_pool_t *p)
{
    while (from < end && is_space(*from))
        from++;
    while (from < end && is_space(end[-1]))
        end--;
    return apr_pstrmemdup(p, from, end - from);
}

static const stg_metadata_pair_t *pair_of(const stg_upload_metadata_t *metadata,
                                          const char *key)
{
    for (int i = 0; i < metadata->count; i++) {
        if (strcmp(metadata->pairs[i].key, key) == 0)
            return &metadata->pairs[i];
    }
    return NULL;
}

static stg_error_t *check_key(const stg_upload_metadata_t *metadata,
                              const char *key, apr_pool_t *p)
{
    if (!*key)
        return malformed(p, "has an empty key");
    if (strlen(key) > STG_UPLOAD_METADATA_KEY)
        return malformed(p, "has too long a key");
    for (const char *c = key; *c; c++) {
        if (*c <= ' ' || *c > '~')
            return malformed(p, "has a key that is not printable ASCII");
    }
    if (pair_of(metadata, key))
        return malformed(p, "has a key twice");
    return STG_OK;
}

/* A key alone has an empty value, as one with a space behind it that was
 * trimmed on the way. */
static stg_error_t *read_pair(stg_metadata_pair_t *pair, char *text,
                              const stg_upload_metadata_t *metadata,
                              apr_pool_t *p)
{
    char *space = strchr(text, ' ');

    *pair = (stg_metadata_pair_t){.key = text, .value = "", .count = 0};
    if (space) {
        *space = '\0';
        pair->value = stg_unbase64(space + 1, &pair->count, p);
    }
    STG_TRY(check_key(metadata, text, p));
    return pair->value ? STG_OK : malformed(p, "has a value that is no base64");
}

stg_error_t *stg_upload_metadata_parse(stg_upload_metadata_t *metadata,
                                       const char *value, apr_pool_t *p)
{
    stg_upload_metadata_t found = {.raw = NULL};
    stg_metadata_pair_t *pairs;
    const char *at, *end;

    if (value && strlen(value) > STG_UPLOAD_METADATA_MOST)
        return malformed(p, "is too long");
    if (value)
        found.raw = trimmed(value, value + strlen(value), p);
    if (!found.raw || !*found.raw) {
        *metadata = (stg_upload_metadata_t){.raw = NULL};
        return STG_OK;
    }
    found.pairs = pairs =
        apr_palloc(p, STG_UPLOAD_METADATA_PAIRS * sizeof(*pairs));
    for (at = found.raw; at; at = *end ? end + 1 : NULL) {
        end = at + strcspn(at, ",");
        if (found.count == STG_UPLOAD_METADATA_PAIRS)
            return malformed(p, "has too many pairs");
        STG_TRY(read_pair(&pairs[found.count], trimmed(at, end, p), &found, p));
        found.count++;
    }
    *metadata = found;
    return STG_OK;
}

const char *stg_upload_metadata_text(const stg_upload_metadata_t *metadata,
                                     const char *key)
{
    const stg_metadata_pair_t *pair = pair_of(metadata, key);

    return pair && stg_utf8_is_valid(pair->value, pair->count, NULL)
               ? pair->value
               : NULL;
}

const char *stg_upload_metadata_file_name(const stg_upload_metadata_t *metadata,
                                          apr_pool_t *p)
{
    static const char *const keys[] = {"filename", "name"};
    const char *name = NULL;

    for (int i = 0; !name && i < 2; i++) {
        const char *text = stg_upload_metadata_text(metadata, keys[i]);

        name = text ? stg_file_name(text, p) : NULL;
    }
    return name;
}

/* Uppy turns every value to a text, and so its null. */
const char *stg_upload_metadata_path(const stg_upload_metadata_t *metadata,
                                     apr_pool_t *p)
{
    const char *text = stg_upload_metadata_text(metadata, "relativePath");

    if (!text || strcmp(text, "null") == 0)
        return NULL;
    return stg_file_path(text, p);
}

/* token "/" token and parameters (RFC 9110, 8.3.1), without control
 * characters: it becomes a header of the download. */
static int is_media_type(const char *text, apr_pool_t *p)
{
    enum { MOST = 255 };
    const char *name = "", *value;

    if (strlen(text) > MOST)
        return 0;
    for (const char *c = text; *c; c++) {
        if (*c < ' ' || *c > '~')
            return 0;
    }
    if (!stg_field_token(&text, p) || !stg_field_skip(&text, '/') ||
        !stg_field_token(&text, p))
        return 0;
    while (name) {
        if (!stg_field_parameter(&name, &value, &text, p))
            return 0;
    }
    return 1;
}

const char *
stg_upload_metadata_content_type(const stg_upload_metadata_t *metadata,
                                 apr_pool_t *p)
{
    const char *text = stg_upload_metadata_text(metadata, "filetype");

    if (!text || !*text)
        text = stg_upload_metadata_text(metadata, "type");
    if (!text || !*text)
        return NULL;
    return is_media_type(text, p) ? text : "application/octet-stream";
}
