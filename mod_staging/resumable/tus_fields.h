/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_RESUMABLE_TUS_FIELDS_H
#define STG_RESUMABLE_TUS_FIELDS_H

#include "resumable/intake.h"
#include "stream/upload_concat.h"

/* Header fields of requests by tus. */

typedef struct stg_tus_fields_t {
    apr_off_t offset; /* -1: not there, as length */
    apr_off_t length;
    int is_deferred;
    const char *concat_text; /* of a POST; NULL: not there */
    stg_upload_concat_t concat;
    int has_checksum; /* in the header */
    int has_trailer;  /* it comes behind the body */
    stg_checksums_t announced;
    const stg_request_t *req;
} stg_tus_fields_t;

/* INVALID if one of them is malformed or repeated. */
stg_error_t *stg_tus_fields_read(stg_tus_fields_t *fields,
                                 const stg_request_t *req);

/* Upload-Metadata, as it is and what we know of it. INVALID. */
stg_error_t *stg_tus_metadata_read(stg_resumable_spec_t *spec,
                                   const stg_request_t *req);

/* Have the body compared with its checksum, where there is to be one. */
void stg_tus_expect_checksum(stg_intake_t *intake, stg_tus_fields_t *fields);

/* Compare it with a body that was read and had no bytes. STG_E_CHECKSUM. */
stg_error_t *stg_tus_check_nothing(stg_tus_fields_t *fields);

#endif
