/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_UPLOADS_UPLOAD_PAGE_H
#define STG_UPLOADS_UPLOAD_PAGE_H

#include "uploads/upload.h"

/*
 * A list of uploads, a page at a time: in one of several orders, each of which
 * an index has, from behind the last upload of the page before. So a page takes
 * as long as any other, however many uploads there are, and what comes or goes
 * meanwhile does not shift it.
 */

enum {
    STG_UPLOAD_KEY_SIZE = 401, /* 100 characters, and a NUL */
    STG_UPLOAD_ID_SIZE = 37,
    STG_UPLOAD_SOUGHT_MAX = 255, /* characters */
    STG_UPLOAD_COUNT_MAX = 10000
};

typedef struct stg_upload_query_t {
    const char *service;
    const char *owner;
    const char *status; /* NULL: any */
    const char *sought; /* in label or file name, in any case; NULL: any */
    const struct stg_upload_order_t *order;
    /* the place behind which to go on; advanced by every page */
    char key[STG_UPLOAD_KEY_SIZE];
    char id[STG_UPLOAD_ID_SIZE];
    int has_more; /* out: behind the page */
} stg_upload_query_t;

/* Start at the first in the order of sort: created, filename, size or expires,
 * or one of these behind "-" for the other way round; NULL is "-created". Or
 * behind the upload that cursor names (see stg_upload_cursor). INVALID. */
stg_error_t *stg_upload_query_start(stg_upload_query_t *query, const char *sort,
                                    const char *cursor, apr_pool_t *p);

/* For a query that is to go on behind the last page. */
const char *stg_upload_cursor(const stg_upload_query_t *query, apr_pool_t *p);

/* At most count uploads, of stg_upload_t. THROTTLED if its owner searches too
 * much at once; so counting. */
stg_error_t *stg_upload_page(apr_array_header_t **page, stg_db_t *db,
                             stg_upload_query_t *query, int count,
                             apr_pool_t *p);

/* How many there are in all; STG_UPLOAD_COUNT_MAX + 1 if more than that. */
stg_error_t *stg_upload_count(int *count, stg_db_t *db,
                              stg_upload_query_t *query, apr_pool_t *p);

#endif
