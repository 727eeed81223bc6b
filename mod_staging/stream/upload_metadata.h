/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STREAM_UPLOAD_METADATA_H
#define STG_STREAM_UPLOAD_METADATA_H

#include "base/error.h"

/*
 * Upload-Metadata of tus: keys and values that a client wants to get back.
 *
 *     pair *( OWS "," OWS pair ),  pair = key [ SP [ base64 ] ]
 *
 * Values may hold any byte: none goes into a header, a log or a path as it is.
 */

enum {
    STG_UPLOAD_METADATA_MOST = 4096, /* characters of the field */
    STG_UPLOAD_METADATA_PAIRS = 64,
    STG_UPLOAD_METADATA_KEY = 128 /* characters of a key */
};

typedef struct stg_metadata_pair_t {
    const char *key;   /* printable ASCII without comma */
    const char *value; /* with a NUL behind it that is not counted */
    apr_size_t count;
} stg_metadata_pair_t;

typedef struct stg_upload_metadata_t {
    const char *raw; /* as it came, without space around; NULL if empty. It has
                      * no control characters but tabs. */
    int count;
    const stg_metadata_pair_t *pairs;
} stg_upload_metadata_t;

/* value may be NULL; several field lines are joined by commas. INVALID if it
 * is malformed, repeats a key or goes beyond the limits. */
stg_error_t *stg_upload_metadata_parse(stg_upload_metadata_t *metadata,
                                       const char *value, apr_pool_t *p);

/* The value of a key; NULL if there is none, or if it is not UTF-8 or has a
 * NUL. */
const char *stg_upload_metadata_text(const stg_upload_metadata_t *metadata,
                                     const char *key);

/* What is known of the file, each NULL if nothing is: its name (filename, else
 * name; stream/file_name.h), its path below what was chosen (relativePath),
 * its media type (filetype, else type), "application/octet-stream" if what is
 * said is none. */
const char *stg_upload_metadata_file_name(const stg_upload_metadata_t *metadata,
                                          apr_pool_t *p);
const char *stg_upload_metadata_path(const stg_upload_metadata_t *metadata,
                                     apr_pool_t *p);
const char *
stg_upload_metadata_content_type(const stg_upload_metadata_t *metadata,
                                 apr_pool_t *p);

#endif
