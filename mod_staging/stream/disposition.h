/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STREAM_DISPOSITION_H
#define STG_STREAM_DISPOSITION_H

#include "base/error.h"

/*
 * Content-Disposition: of a form-data part (RFC 7578, 4.2), of a body that
 * names itself and of a download (RFC 6266).
 *
 * Names are data: they may hold slashes and control characters, and are
 * never to be used as paths.
 */

/* Longest name or file name, in bytes. */
enum { STG_DISPOSITION_MAX_NAME = 1024 };

typedef struct stg_disposition_t {
    const char *type;     /* in lower case */
    const char *name;     /* NULL if absent */
    const char *filename; /* NULL if absent; may be empty */
} stg_disposition_t;

/* value is NUL-terminated. filename* (RFC 8187, UTF-8 only) goes before
 * filename. In quoted strings a backslash escapes a quote or a backslash;
 * before anything else it stands for itself, because browsers do not escape
 * it. In form-data %22, %0D and %0A are decoded, which is how browsers write
 * these three bytes (WHATWG Fetch); any other % stands for itself.
 *
 * Fails with INVALID if it is malformed, not UTF-8, repeats one of the three
 * parameters or holds too long a name. */
stg_error_t *stg_disposition_parse(stg_disposition_t *disposition,
                                   const char *value, apr_pool_t *p);

/* "attachment" with an ASCII fallback and the RFC 8187 form (RFC 6266, 4.3),
 * whatever the name holds. */
const char *stg_disposition(const char *filename, apr_pool_t *p);

#endif
