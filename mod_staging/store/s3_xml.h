/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STORE_S3_XML_H
#define STG_STORE_S3_XML_H

#include "base/error.h"

#include <apr_tables.h>
#include <apr_time.h>

/*
 * The few documents of S3. What a store answers is input from the network:
 * size, depth and length of texts are capped, DTDs refused, unknown elements
 * ignored. A document that cannot be read fails with STORE_FAILED.
 */

enum { STG_S3_XML_MAX = 16 * 1024 * 1024 };

/* An answer with its one kind of list: fields are the texts directly under
 * the root; each item is a table of the texts directly under it. */
typedef struct stg_s3_document_t {
    const char *root;
    apr_table_t *fields;
    apr_array_header_t *items; /* of apr_table_t *, never NULL */
} stg_s3_document_t;

/* item is the name of the list's elements; NULL if there is no list. */
stg_error_t *stg_s3_xml_parse(stg_s3_document_t **document, const char *text,
                              apr_size_t size, const char *item, apr_pool_t *p);

/* The Code of an Error document; NULL if it is none or cannot be read. */
const char *stg_s3_xml_error_code(const char *text, apr_size_t size,
                                  apr_pool_t *p);

/* A field of InitiateMultipartUploadResult. */
stg_error_t *stg_s3_xml_upload_id(const char **upload_id, const char *text,
                                  apr_size_t size, apr_pool_t *p);

/* The verdict of CompleteMultipartUpload, which a status of 200 does not
 * give: *code is NULL for success, else the Code. Fails if the document is
 * cut, empty or another: then nothing is known. */
stg_error_t *stg_s3_xml_verdict(const char **code, const char *text,
                                apr_size_t size, apr_pool_t *p);

/* One part, object or unfinished upload of a list. */
typedef struct stg_s3_item_t {
    const char *key;
    const char *upload_id;
    const char *etag; /* without quotes */
    apr_off_t size;   /* -1 if not given */
    apr_off_t number; /* of a part, 0 if not given */
    apr_time_t modified;
} stg_s3_item_t;

typedef struct stg_s3_page_t {
    apr_array_header_t *items; /* of stg_s3_item_t */
    int has_more;
    const char *next_token;     /* of objects */
    const char *next_key;       /* of uploads; may be NULL */
    const char *next_upload_id; /* of uploads */
    const char *next_number;    /* of parts */
} stg_s3_page_t;

/* A page of ListParts, ListObjectsV2, ListMultipartUploads: item "Part",
 * "Contents", "Upload". Keys are decoded. */
stg_error_t *stg_s3_xml_page(stg_s3_page_t **page, const char *text,
                             apr_size_t size, const char *item, apr_pool_t *p);

/* Documents to send: no white space between elements, some stores refuse it.
 * parts of stg_s3_item_t with number and etag; keys of const char *. */
const char *stg_s3_xml_complete(const apr_array_header_t *parts, apr_pool_t *p);
const char *stg_s3_xml_delete(const apr_array_header_t *keys, apr_pool_t *p);

/* An ETag without quotes and W/; NULL stays NULL. */
const char *stg_s3_etag(const char *text, apr_pool_t *p);

/* "2026-11-20T12:00:00[.000]Z"; 0 if it is not of that form. */
apr_time_t stg_s3_time(const char *text);

#endif
