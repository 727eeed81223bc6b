/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/part_headers.h"
#include "stream/disposition.h"
#include "stream/field.h"

#include <apr_strings.h>

#include <strings.h>
#include <string.h>

/* The headers that mean something to us; RFC 7578, 4.8 wants the others to
 * be ignored. */
typedef struct headers_t {
    const char *disposition;
    const char *content_type;
    const char *encoding;
} headers_t;

static const char **place_of(headers_t *headers, const char *name)
{
    if (strcmp(name, "content-disposition") == 0)
        return &headers->disposition;
    if (strcmp(name, "content-type") == 0)
        return &headers->content_type;
    if (strcmp(name, "content-transfer-encoding") == 0)
        return &headers->encoding;
    return NULL;
}

/* line has no line ends in it. A line that continues the one before begins
 * with a space, hence with no name, and is refused (RFC 9112, 5.2). */
static stg_error_t *read_line(headers_t *headers, const char *line,
                              apr_pool_t *p)
{
    const char *at = line;
    const char *name = stg_field_lower_token(&at, p);
    const char **place;
    char *end;

    if (!name || !stg_field_skip(&at, ':'))
        return stg_raise(p, STG_E_INVALID, "a part has a malformed header");
    place = place_of(headers, name);
    if (!place)
        return STG_OK;
    if (*place)
        return stg_raise(p, STG_E_INVALID, "a part has two headers %s", name);
    stg_field_skip_space(&at);
    *place = at;
    end = strchr(at, '\0');
    while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = '\0';
    return STG_OK;
}

static stg_error_t *split(headers_t *headers, char *text, apr_pool_t *p)
{
    char *line = text;

    for (int n = 0; *line; n++) {
        char *end = strstr(line, "\r\n");

        if (n == STG_FORMDATA_MAX_HEADERS)
            return stg_raise(p, STG_E_INVALID,
                             "a part has more than %d headers",
                             STG_FORMDATA_MAX_HEADERS);
        *end = '\0';
        if (strpbrk(line, "\r\n"))
            return stg_raise(p, STG_E_INVALID,
                             "the headers of a part do not end with CRLF");
        STG_TRY(read_line(headers, line, p));
        line = end + 2;
    }
    return STG_OK;
}

static stg_error_t *check_content_type(const char *type, apr_pool_t *p)
{
    if (!type)
        return STG_OK;
    if (strlen(type) > STG_FORMDATA_MAX_CONTENT_TYPE)
        return stg_raise(p, STG_E_INVALID,
                         "the Content-Type of a part exceeds %d characters",
                         STG_FORMDATA_MAX_CONTENT_TYPE);
    for (; *type; type++) {
        if (*type < ' ' || *type > '~')
            return stg_raise(p, STG_E_INVALID,
                             "the Content-Type of a part is not plain ASCII");
    }
    return STG_OK;
}

/* The others would have to be decoded (RFC 7578, 4.7 deprecates them all). */
static stg_error_t *check_encoding(const char *encoding, apr_pool_t *p)
{
    if (!encoding || strcasecmp(encoding, "binary") == 0 ||
        strcasecmp(encoding, "8bit") == 0 || strcasecmp(encoding, "7bit") == 0)
        return STG_OK;
    return stg_raise(p, STG_E_INVALID,
                     "the Content-Transfer-Encoding of a part is neither "
                     "binary, 8bit nor 7bit");
}

stg_error_t *stg_part_headers_parse(stg_part_t *part, const char *bytes,
                                    apr_size_t count, apr_pool_t *p)
{
    headers_t headers = {NULL, NULL, NULL};
    stg_disposition_t disposition;

    if (memchr(bytes, '\0', count))
        return stg_raise(p, STG_E_INVALID, "a header of a part holds a NUL");
    STG_TRY(split(&headers, apr_pstrmemdup(p, bytes, count), p));
    if (!headers.disposition)
        return stg_raise(p, STG_E_INVALID, "a part has no Content-Disposition");
    STG_TRY(stg_disposition_parse(&disposition, headers.disposition, p));
    if (strcmp(disposition.type, "form-data") != 0 || !disposition.name)
        return stg_raise(p, STG_E_INVALID,
                         "the Content-Disposition of a part is not form-data "
                         "with a name");
    STG_TRY(check_content_type(headers.content_type, p));
    STG_TRY(check_encoding(headers.encoding, p));
    *part = (stg_part_t){
        .name = disposition.name,
        .filename = disposition.filename,
        .content_type = headers.content_type && *headers.content_type
                            ? headers.content_type
                            : NULL,
    };
    return STG_OK;
}
