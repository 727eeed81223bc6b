/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/formdata.h"
#include "stream/field.h"
#include "stream/part_headers.h"

#include <apr_strings.h>

#include <limits.h>
#include <string.h>

typedef enum state_t {
    PREAMBLE,  /* before the first boundary */
    BEHIND,    /* behind a boundary: "--", padding or CRLF */
    LAST_DASH, /* the second of "--" */
    PADDING,   /* spaces behind a boundary */
    LINE_END,  /* LF behind the CR of a boundary */
    HEADERS,   /* lines up to an empty one */
    DATA,      /* bytes up to CRLF and a boundary */
    EPILOGUE   /* behind the last boundary */
} state_t;

typedef struct formdata_t {
    stg_sink_t sink;
    stg_formdata_handler_t handler;
    state_t state;
    int parts;
    stg_sink_t *data; /* of the part, or NULL */

    /* CRLF "--" boundary. CR stands in it only once, at its begin, so a
     * match that breaks off cannot have another one begin within it. */
    char delimiter[4 + STG_FORMDATA_MAX_BOUNDARY + 1];
    unsigned char shifts[UCHAR_MAX + 1]; /* by last character, see search() */
    apr_size_t length;                   /* of the delimiter */
    apr_size_t matched; /* bytes of it that ended the write before */

    char headers[STG_FORMDATA_MAX_HEADER_BYTES];
    apr_size_t header_bytes;
} formdata_t;

/* What is left of a write. */
typedef struct slice_t {
    const char *bytes;
    apr_size_t count;
} slice_t;

static void skip(slice_t *slice, apr_size_t count)
{
    slice->bytes += count;
    slice->count -= count;
}

static stg_error_t *malformed(formdata_t *formdata, const char *message)
{
    return stg_raise(formdata->sink.pool, STG_E_INVALID,
                     "the form data is malformed: %s", message);
}

static stg_error_t *emit(formdata_t *formdata, const char *bytes,
                         apr_size_t count)
{
    if (!count || !formdata->data)
        return STG_OK;
    return stg_sink_write(formdata->data, bytes, count);
}

static stg_error_t *at_delimiter(formdata_t *formdata)
{
    int is_part = formdata->state == DATA;

    formdata->matched = 0;
    formdata->state = BEHIND;
    formdata->data = NULL;
    return is_part ? formdata->handler.end_part(formdata->handler.context)
                   : STG_OK;
}

/* How many bytes at the end of the slice may be the begin of a delimiter. */
static apr_size_t partial_match(const formdata_t *formdata,
                                const slice_t *slice)
{
    apr_size_t most = formdata->length - 1;
    apr_size_t window = slice->count < most ? slice->count : most;
    const char *end = slice->bytes + slice->count;
    const char *cr = memrchr(end - window, '\r', window);

    if (!cr || memcmp(cr, formdata->delimiter, end - cr) != 0)
        return 0;
    return end - cr;
}

/* Go on with a match that began in an earlier write. If it breaks off, its
 * bytes were data after all: they are the delimiter's own. */
static stg_error_t *resume(formdata_t *formdata, slice_t *slice)
{
    apr_size_t left = formdata->length - formdata->matched;
    apr_size_t part = slice->count < left ? slice->count : left;
    apr_size_t matched = formdata->matched;

    if (memcmp(slice->bytes, formdata->delimiter + matched, part) != 0) {
        formdata->matched = 0;
        return emit(formdata, formdata->delimiter, matched);
    }
    skip(slice, part);
    formdata->matched += part;
    return part == left ? at_delimiter(formdata) : STG_OK;
}

/* How far the delimiter can move on if a character stands where it ends: so
 * that the last such character in it, but for its end, comes to stand there. */
static void prepare_search(formdata_t *formdata)
{
    apr_size_t last = formdata->length - 1;

    memset(formdata->shifts, (int)formdata->length, sizeof(formdata->shifts));
    for (apr_size_t i = 0; i < last; i++)
        formdata->shifts[(unsigned char)formdata->delimiter[i]] =
            (unsigned char)(last - i);
}

/* Horspool's search, which looks at one byte in forty of most data. */
static const char *search(const formdata_t *formdata, const slice_t *slice)
{
    apr_size_t last = formdata->length - 1;

    for (apr_size_t end = last; end < slice->count;) {
        unsigned char c = (unsigned char)slice->bytes[end];

        if (c == (unsigned char)formdata->delimiter[last] &&
            memcmp(slice->bytes + end - last, formdata->delimiter,
                   formdata->length) == 0)
            return slice->bytes + end - last;
        end += formdata->shifts[c];
    }
    return NULL;
}

/* In PREAMBLE and DATA. */
static stg_error_t *find_delimiter(formdata_t *formdata, slice_t *slice)
{
    const char *found;
    apr_size_t data;

    if (formdata->matched)
        return resume(formdata, slice);
    found = search(formdata, slice);
    if (found) {
        data = found - slice->bytes;
        STG_TRY(emit(formdata, slice->bytes, data));
        skip(slice, data + formdata->length);
        return at_delimiter(formdata);
    }
    formdata->matched = partial_match(formdata, slice);
    data = slice->count - formdata->matched;
    STG_TRY(emit(formdata, slice->bytes, data));
    skip(slice, slice->count);
    return STG_OK;
}

static stg_error_t *begin_part(formdata_t *formdata)
{
    apr_pool_t *p = formdata->sink.pool;
    stg_part_t *part = apr_palloc(p, sizeof(*part));

    if (++formdata->parts > STG_FORMDATA_MAX_PARTS)
        return stg_raise(p, STG_E_INVALID,
                         "the form data has more than %d parts",
                         STG_FORMDATA_MAX_PARTS);
    STG_TRY(stg_part_headers_parse(part, formdata->headers,
                                   formdata->header_bytes - 2, p));
    formdata->state = DATA;
    return formdata->handler.begin_part(&formdata->data,
                                        formdata->handler.context, part);
}

/* Is the last line that was read empty? */
static int is_end_of_headers(const formdata_t *formdata)
{
    apr_size_t count = formdata->header_bytes;
    const char *end = formdata->headers + count;

    return (count == 2 && memcmp(end - 2, "\r\n", 2) == 0) ||
           (count >= 4 && memcmp(end - 4, "\r\n\r\n", 4) == 0);
}

static stg_error_t *gather_headers(formdata_t *formdata, slice_t *slice)
{
    while (slice->count) {
        if (formdata->header_bytes == sizeof(formdata->headers))
            return stg_raise(formdata->sink.pool, STG_E_INVALID,
                             "the headers of a part exceed %d bytes",
                             STG_FORMDATA_MAX_HEADER_BYTES);
        formdata->headers[formdata->header_bytes++] = *slice->bytes;
        skip(slice, 1);
        if (slice->bytes[-1] == '\n' && is_end_of_headers(formdata))
            return begin_part(formdata);
    }
    return STG_OK;
}

/* One character of the line that a boundary stands in. */
static stg_error_t *read_boundary_line(formdata_t *formdata, char c)
{
    state_t state = formdata->state;

    if (c == '-' && state == BEHIND)
        formdata->state = LAST_DASH;
    else if (c == '-' && state == LAST_DASH)
        formdata->state = EPILOGUE;
    else if ((c == ' ' || c == '\t') && (state == BEHIND || state == PADDING))
        formdata->state = PADDING;
    else if (c == '\r' && (state == BEHIND || state == PADDING))
        formdata->state = LINE_END;
    else if (c == '\n' && state == LINE_END)
        formdata->state = HEADERS;
    else
        return malformed(formdata, "a boundary is not followed by CRLF");
    formdata->header_bytes = 0;
    return STG_OK;
}

static stg_error_t *formdata_write(stg_sink_t *sink, const char *bytes,
                                   apr_size_t count)
{
    formdata_t *formdata = (formdata_t *)sink;
    slice_t slice = {bytes, count};

    while (slice.count && formdata->state != EPILOGUE) {
        if (formdata->state == PREAMBLE || formdata->state == DATA) {
            STG_TRY(find_delimiter(formdata, &slice));
        } else if (formdata->state == HEADERS) {
            STG_TRY(gather_headers(formdata, &slice));
        } else {
            STG_TRY(read_boundary_line(formdata, *slice.bytes));
            skip(&slice, 1);
        }
    }
    return STG_OK;
}

static stg_error_t *formdata_close(stg_sink_t *sink)
{
    formdata_t *formdata = (formdata_t *)sink;

    if (formdata->state == EPILOGUE)
        return STG_OK;
    return stg_raise(sink->pool, STG_E_BODY_INCOMPLETE,
                     formdata->state == PREAMBLE
                         ? "the body ends before its first boundary"
                         : "the body ends before its last boundary");
}

/* bcharsnospace, or spaces that are not the last (RFC 2046, 5.1.1). */
static int is_boundary(const char *text)
{
    apr_size_t length = strlen(text);

    return length > 0 && length <= STG_FORMDATA_MAX_BOUNDARY &&
           text[length - 1] != ' ' &&
           text[strspn(text, "0123456789"
                             "abcdefghijklmnopqrstuvwxyz"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "'()+_,-./:=? ")] == '\0';
}

static int is_formdata(const char **at, apr_pool_t *p)
{
    const char *type = stg_field_lower_token(at, p);
    const char *subtype;

    if (!type || !stg_field_skip(at, '/'))
        return 0;
    subtype = stg_field_lower_token(at, p);
    return subtype && strcmp(type, "multipart") == 0 &&
           strcmp(subtype, "form-data") == 0;
}

stg_error_t *stg_formdata_boundary(const char **boundary,
                                   const char *content_type, apr_pool_t *p)
{
    const char *at = content_type ? content_type : "";
    const char *found = NULL;
    const char *name, *value;

    *boundary = NULL;
    stg_field_skip_space(&at);
    if (!is_formdata(&at, p))
        return STG_OK;
    do {
        if (!stg_field_parameter(&name, &value, &at, p))
            return stg_raise(p, STG_E_INVALID, "Content-Type is malformed");
        if (name && strcmp(name, "boundary") == 0) {
            if (found)
                return stg_raise(p, STG_E_INVALID,
                                 "Content-Type has two boundaries");
            found = value;
        }
    } while (name);
    if (!found || !is_boundary(found))
        return stg_raise(p, STG_E_INVALID,
                         "Content-Type has no proper boundary");
    *boundary = found;
    return STG_OK;
}

stg_sink_t *stg_formdata_create(const char *boundary,
                                const stg_formdata_handler_t *handler,
                                apr_pool_t *p)
{
    static const stg_sink_class_t cls = {formdata_write, formdata_close};
    formdata_t *formdata = apr_pcalloc(p, sizeof(*formdata));

    formdata->sink = (stg_sink_t){.cls = &cls, .pool = p};
    formdata->handler = *handler;
    apr_snprintf(formdata->delimiter, sizeof(formdata->delimiter), "\r\n--%s",
                 boundary);
    formdata->length = strlen(formdata->delimiter);
    prepare_search(formdata);
    /* As if CRLF stood before the body: it may begin with a boundary. */
    formdata->matched = 2;
    return &formdata->sink;
}
