/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3_xml.h"
#include "base/text.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include <expat.h>

#include <stdio.h>
#include <string.h>

enum { MAX_DEPTH = 16, MAX_TEXT = 16 * 1024, MAX_ITEMS = 10000 };

#define NAMESPACE "http://s3.amazonaws.com/doc/2006-03-01/"

typedef struct reader_t {
    XML_Parser parser;
    stg_s3_document_t *document;
    const char *item;
    int depth;
    int is_in_item;
    char *text; /* of the element at hand, MAX_TEXT */
    apr_size_t length;
    const char *trouble;
    apr_pool_t *pool;
} reader_t;

static void give_up(reader_t *reader, const char *trouble)
{
    reader->trouble = trouble;
    XML_StopParser(reader->parser, XML_FALSE);
}

static const char *local_name(const char *name)
{
    const char *colon = strchr(name, ':');

    return colon ? colon + 1 : name;
}

static void begin_element(void *data, const char *name, const char **attributes)
{
    reader_t *reader = data;
    stg_s3_document_t *document = reader->document;

    (void)attributes;
    name = local_name(name);
    reader->length = 0;
    if (++reader->depth > MAX_DEPTH) {
        give_up(reader, "too deep");
    } else if (reader->depth == 1) {
        document->root = apr_pstrdup(reader->pool, name);
    } else if (reader->depth == 2 && reader->item &&
               strcmp(name, reader->item) == 0) {
        if (document->items->nelts >= MAX_ITEMS) {
            give_up(reader, "too many items");
            return;
        }
        reader->is_in_item = 1;
        APR_ARRAY_PUSH(document->items, apr_table_t *) =
            apr_table_make(reader->pool, 6);
    }
}

static void end_element(void *data, const char *name)
{
    reader_t *reader = data;
    apr_array_header_t *items = reader->document->items;
    apr_table_t *fields = NULL;

    if (reader->is_in_item && reader->depth == 3)
        fields = APR_ARRAY_IDX(items, items->nelts - 1, apr_table_t *);
    else if (!reader->is_in_item && reader->depth == 2)
        fields = reader->document->fields;
    if (fields) {
        reader->text[reader->length] = '\0';
        apr_table_set(fields, local_name(name), reader->text);
    }
    if (reader->depth == 2)
        reader->is_in_item = 0;
    reader->length = 0;
    reader->depth--;
}

static void take_text(void *data, const char *text, int count)
{
    reader_t *reader = data;

    if (reader->length + (apr_size_t)count >= MAX_TEXT) {
        give_up(reader, "too long a text");
        return;
    }
    memcpy(reader->text + reader->length, text, (size_t)count);
    reader->length += (apr_size_t)count;
}

static void refuse_doctype(void *data, const char *name, const char *system_id,
                           const char *public_id, int has_internal_subset)
{
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal_subset;
    give_up(data, "a DTD");
}

static apr_status_t free_parser(void *data)
{
    XML_ParserFree(data);
    return APR_SUCCESS;
}

static stg_error_t *unreadable(const char *why, apr_pool_t *p)
{
    return stg_because(
        stg_raise(p, STG_E_STORE_FAILED, "the store's answer cannot be read"),
        p, "XML: %s", why);
}

stg_error_t *stg_s3_xml_parse(stg_s3_document_t **document, const char *text,
                              apr_size_t size, const char *item, apr_pool_t *p)
{
    reader_t reader = {.item = item, .pool = p};

    if (size > STG_S3_XML_MAX)
        return unreadable("too large", p);
    /* Stores keep a connection alive with blanks before the declaration. */
    while (size > 0 && apr_isspace(*text)) {
        text++;
        size--;
    }
    reader.parser = XML_ParserCreate("UTF-8");
    if (!reader.parser)
        return stg_raise(p, STG_E_INTERNAL, "out of memory");
    apr_pool_cleanup_register(p, reader.parser, free_parser,
                              apr_pool_cleanup_null);
    reader.document = apr_pcalloc(p, sizeof(*reader.document));
    reader.document->fields = apr_table_make(p, 8);
    reader.document->items = apr_array_make(p, 16, sizeof(apr_table_t *));
    reader.text = apr_palloc(p, MAX_TEXT);
    XML_SetUserData(reader.parser, &reader);
    XML_SetElementHandler(reader.parser, begin_element, end_element);
    XML_SetCharacterDataHandler(reader.parser, take_text);
    XML_SetStartDoctypeDeclHandler(reader.parser, refuse_doctype);
    if (XML_Parse(reader.parser, text, (int)size, 1) != XML_STATUS_OK)
        return unreadable(
            reader.trouble ? reader.trouble
                           : XML_ErrorString(XML_GetErrorCode(reader.parser)),
            p);
    apr_pool_cleanup_run(p, reader.parser, free_parser);
    *document = reader.document;
    return STG_OK;
}

const char *stg_s3_xml_error_code(const char *text, apr_size_t size,
                                  apr_pool_t *p)
{
    stg_s3_document_t *document;

    if (size == 0 || stg_s3_xml_parse(&document, text, size, NULL, p) ||
        strcmp(document->root, "Error") != 0)
        return NULL;
    return apr_table_get(document->fields, "Code");
}

stg_error_t *stg_s3_xml_upload_id(const char **upload_id, const char *text,
                                  apr_size_t size, apr_pool_t *p)
{
    stg_s3_document_t *document;
    const char *id;

    STG_TRY(stg_s3_xml_parse(&document, text, size, NULL, p));
    id = apr_table_get(document->fields, "UploadId");
    if (!id || !*id)
        return unreadable("no UploadId", p);
    *upload_id = id;
    return STG_OK;
}

stg_error_t *stg_s3_xml_verdict(const char **code, const char *text,
                                apr_size_t size, apr_pool_t *p)
{
    stg_s3_document_t *document;
    const char *found;

    STG_TRY(stg_s3_xml_parse(&document, text, size, NULL, p));
    if (strcmp(document->root, "CompleteMultipartUploadResult") == 0) {
        *code = NULL;
        return STG_OK;
    }
    found = apr_table_get(document->fields, "Code");
    if (strcmp(document->root, "Error") != 0 || !found)
        return unreadable("neither a result nor an error", p);
    *code = found;
    return STG_OK;
}

/* In names that were asked for with encoding-type=url a '+' is a space. */
static const char *decode(const char *text, int is_encoded, apr_pool_t *p)
{
    char *copy;

    if (!text || !is_encoded)
        return text;
    copy = apr_pstrdup(p, text);
    for (char *c = copy; *c; c++) {
        if (*c == '+')
            *c = ' ';
    }
    return stg_percent_decode(copy, p);
}

static stg_error_t *read_item(stg_s3_item_t *item, const apr_table_t *fields,
                              int is_encoded, apr_pool_t *p)
{
    const char *key = apr_table_get(fields, "Key");
    const char *size = apr_table_get(fields, "Size");
    const char *number = apr_table_get(fields, "PartNumber");
    const char *modified = apr_table_get(fields, "LastModified");

    item->key = decode(key, is_encoded, p);
    item->upload_id = apr_table_get(fields, "UploadId");
    item->etag = stg_s3_etag(apr_table_get(fields, "ETag"), p);
    item->size = -1;
    item->number = 0;
    if (!modified)
        modified = apr_table_get(fields, "Initiated");
    item->modified = modified ? stg_s3_time(modified) : 0;
    if ((key && !item->key) || (size && !stg_parse_off(size, &item->size)) ||
        (number && !stg_parse_off(number, &item->number)))
        return unreadable("a malformed item", p);
    return STG_OK;
}

stg_error_t *stg_s3_xml_page(stg_s3_page_t **page, const char *text,
                             apr_size_t size, const char *item, apr_pool_t *p)
{
    stg_s3_document_t *document;
    stg_s3_page_t *result = apr_pcalloc(p, sizeof(*result));
    const char *encoding, *truncated;
    int is_encoded;

    STG_TRY(stg_s3_xml_parse(&document, text, size, item, p));
    if (strcmp(document->root, "Error") == 0)
        return unreadable("an Error in a 200", p);
    encoding = apr_table_get(document->fields, "EncodingType");
    truncated = apr_table_get(document->fields, "IsTruncated");
    is_encoded = encoding && strcmp(encoding, "url") == 0;
    result->has_more = truncated && strcmp(truncated, "true") == 0;
    result->next_token =
        apr_table_get(document->fields, "NextContinuationToken");
    result->next_key =
        decode(apr_table_get(document->fields, "NextKeyMarker"), is_encoded, p);
    result->next_upload_id =
        apr_table_get(document->fields, "NextUploadIdMarker");
    result->next_number =
        apr_table_get(document->fields, "NextPartNumberMarker");
    result->items =
        apr_array_make(p, document->items->nelts + 1, sizeof(stg_s3_item_t));
    for (int i = 0; i < document->items->nelts; i++)
        STG_TRY(read_item(apr_array_push(result->items),
                          APR_ARRAY_IDX(document->items, i, apr_table_t *),
                          is_encoded, p));
    *page = result;
    return STG_OK;
}

static const char *escape(const char *text, apr_pool_t *p)
{
    apr_size_t size = 1;
    char *escaped, *to;

    for (const char *c = text; *c; c++)
        size += strchr("&<>\"\r", *c) ? 6 : 1;
    to = escaped = apr_palloc(p, size);
    for (const char *c = text; *c; c++) {
        const char *entity = *c == '&'    ? "&amp;"
                             : *c == '<'  ? "&lt;"
                             : *c == '>'  ? "&gt;"
                             : *c == '"'  ? "&quot;"
                             : *c == '\r' ? "&#13;"
                                          : NULL;

        if (entity)
            to = apr_cpystrn(to, entity, 7);
        else
            *to++ = *c;
    }
    *to = '\0';
    return escaped;
}

const char *stg_s3_xml_complete(const apr_array_header_t *parts, apr_pool_t *p)
{
    apr_array_header_t *texts =
        apr_array_make(p, parts->nelts + 2, sizeof(const char *));

    APR_ARRAY_PUSH(texts, const char *) =
        "<CompleteMultipartUpload xmlns=\"" NAMESPACE "\">";
    for (int i = 0; i < parts->nelts; i++) {
        const stg_s3_item_t *part = &APR_ARRAY_IDX(parts, i, stg_s3_item_t);

        APR_ARRAY_PUSH(texts, const char *) =
            apr_psprintf(p,
                         "<Part><PartNumber>%" APR_OFF_T_FMT "</PartNumber>"
                         "<ETag>&quot;%s&quot;</ETag></Part>",
                         part->number, escape(part->etag, p));
    }
    APR_ARRAY_PUSH(texts, const char *) = "</CompleteMultipartUpload>";
    return apr_array_pstrcat(p, texts, 0);
}

const char *stg_s3_xml_delete(const apr_array_header_t *keys, apr_pool_t *p)
{
    apr_array_header_t *texts =
        apr_array_make(p, keys->nelts + 2, sizeof(const char *));

    APR_ARRAY_PUSH(texts, const char *) =
        "<Delete xmlns=\"" NAMESPACE "\"><Quiet>true</Quiet>";
    for (int i = 0; i < keys->nelts; i++)
        APR_ARRAY_PUSH(texts, const char *) = apr_pstrcat(
            p, "<Object><Key>", escape(APR_ARRAY_IDX(keys, i, const char *), p),
            "</Key></Object>", NULL);
    APR_ARRAY_PUSH(texts, const char *) = "</Delete>";
    return apr_array_pstrcat(p, texts, 0);
}

const char *stg_s3_etag(const char *text, apr_pool_t *p)
{
    apr_size_t length;

    if (!text)
        return NULL;
    if (strncmp(text, "W/", 2) == 0)
        text += 2;
    length = strlen(text);
    if (length >= 2 && text[0] == '"' && text[length - 1] == '"')
        return apr_pstrmemdup(p, text + 1, length - 2);
    return apr_pstrdup(p, text);
}

apr_time_t stg_s3_time(const char *text)
{
    apr_time_exp_t t = {0};
    apr_time_t time;
    int length = 0;

    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &t.tm_year, &t.tm_mon,
               &t.tm_mday, &t.tm_hour, &t.tm_min, &t.tm_sec, &length) != 6)
        return 0;
    text += length;
    if (*text == '.')
        text += 1 + strspn(text + 1, "0123456789");
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    if (strcmp(text, "Z") != 0 || t.tm_mon < 0 || t.tm_mon > 11 ||
        apr_time_exp_gmt_get(&time, &t) != APR_SUCCESS)
        return 0;
    return time;
}
