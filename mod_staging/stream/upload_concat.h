/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STREAM_UPLOAD_CONCAT_H
#define STG_STREAM_UPLOAD_CONCAT_H

#include "base/error.h"

#include <apr_tables.h>

/* Upload-Concat of tus: "partial", or "final;" and the URLs of partials. */
typedef struct stg_upload_concat_t {
    int is_final;
    /* const char *: the paths of the URLs, in their order, without scheme,
     * host, query and fragment. One that was relative has no slash at its
     * beginning. */
    const apr_array_header_t *paths;
} stg_upload_concat_t;

/* INVALID if it is neither, or final of nothing. */
stg_error_t *stg_upload_concat_parse(stg_upload_concat_t *concat,
                                     const char *value, apr_pool_t *p);

#endif
