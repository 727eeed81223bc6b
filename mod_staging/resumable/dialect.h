/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_RESUMABLE_DIALECT_H
#define STG_RESUMABLE_DIALECT_H

#include "web/request.h"

/*
 * Two protocols on the same URLs: tus 1.0 and the draft of the IETF
 * (draft-ietf-httpbis-resumable-upload). Each request is judged, and answered,
 * by itself.
 */

#define STG_TUS_VERSION "1.0.0"
#define STG_TUS_TYPE "application/offset+octet-stream"
#define STG_IETF_TYPE "application/partial-upload"

typedef enum stg_dialect_t {
    STG_DIALECT_NONE, /* OPTIONS only: an answer for both */
    STG_TUS,
    STG_IETF
} stg_dialect_t;

/* By the method and the header, without an opinion on either. */
stg_dialect_t stg_dialect_guess(const stg_request_t *req);

/* The same, where a request must make sense: INVALID if it speaks both or
 * none, PRECONDITION for another tus, BAD_MEDIA_TYPE. */
stg_error_t *stg_dialect_find(stg_dialect_t *dialect, const stg_request_t *req);

/* A field of the request that there may be one of; NULL if absent. INVALID if
 * it is repeated. */
stg_error_t *stg_dialect_field(const char **value, const stg_request_t *req,
                               const char *name);

/* Is the body of this type, whatever its parameters? */
int stg_dialect_has_type(const stg_request_t *req, const char *type);

/* Content of any length, also one that nobody knows yet? */
int stg_dialect_has_body(const stg_request_t *req);

/* Where none is wanted: is it empty after all? One that nobody knows the length
 * of is read up to its first bytes. */
stg_error_t *stg_dialect_is_empty(int *is_empty, stg_request_t *req);

/* A field of the answer, whatever that will be. */
void stg_dialect_set(const stg_request_t *req, const char *name,
                     const char *value);
void stg_dialect_set_number(const stg_request_t *req, const char *name,
                            apr_off_t value);

#endif
