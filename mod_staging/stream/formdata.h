/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STREAM_FORMDATA_H
#define STG_STREAM_FORMDATA_H

#include "stream/sink.h"

/*
 * A multipart/form-data body (RFC 7578) taken apart as it arrives. The sink
 * is written the body in any pieces; bytes of parts go on without being
 * copied. close() means the body has ended; it fails with BODY_INCOMPLETE if
 * the closing boundary has not come. A malformed body fails with INVALID.
 *
 * A part that is itself multipart is data like any other. What stands before
 * the first and behind the last boundary is ignored.
 */

enum {
    STG_FORMDATA_MAX_BOUNDARY = 70,
    STG_FORMDATA_MAX_PARTS = 64,
    STG_FORMDATA_MAX_HEADERS = 16,            /* of a part */
    STG_FORMDATA_MAX_HEADER_BYTES = 8 * 1024, /* of a part, together */
    STG_FORMDATA_MAX_CONTENT_TYPE = 255
};

typedef struct stg_part_t {
    const char *name;         /* UTF-8; see stream/disposition.h */
    const char *filename;     /* the same; NULL if absent */
    const char *content_type; /* visible ASCII; NULL if absent */
} stg_part_t;

/* Parts come one after the other; nothing in between. */
typedef struct stg_formdata_handler_t {
    /* *data is where the bytes of the part go, NULL if nobody wants them; it
     * is not closed. part lives in the pool of the form data. */
    stg_error_t *(*begin_part)(stg_sink_t **data, void *context,
                               const stg_part_t *part);
    stg_error_t *(*end_part)(void *context);
    void *context;
} stg_formdata_handler_t;

/* The boundary in a Content-Type field. *boundary is NULL if the type is not
 * multipart/form-data (or content_type is NULL); fails with INVALID if it is
 * but has no proper boundary (RFC 2046, 5.1.1). */
stg_error_t *stg_formdata_boundary(const char **boundary,
                                   const char *content_type, apr_pool_t *p);

/* boundary comes from stg_formdata_boundary(). */
stg_sink_t *stg_formdata_create(const char *boundary,
                                const stg_formdata_handler_t *handler,
                                apr_pool_t *p);

#endif
