/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_RESUMABLE_IETF_FIELDS_H
#define STG_RESUMABLE_IETF_FIELDS_H

#include "resumable/intake.h"

/* Header fields of requests by the draft of the IETF. What is no item of its
 * type counts as absent. */

typedef struct stg_ietf_fields_t {
    const stg_request_t *req;
    int is_last;      /* Upload-Complete; -1: not there */
    apr_off_t offset; /* -1: not there, as length */
    apr_off_t length;
    int interop;                /* that we speak, or 0 */
    const char *repr_digest;    /* as it came; NULL: not there */
    stg_algorithm_set_t wanted; /* of the whole, besides ours */
    int has_content_digest;     /* in the header */
    int has_trailer;            /* it comes behind the body */
    stg_checksums_t announced;  /* Content-Digest */
} stg_ietf_fields_t;

/* Interop version 6, which has other names and places for some things. */
int stg_ietf_is_old(const stg_request_t *req);

/* INVALID if a field is repeated. */
stg_error_t *stg_ietf_fields_read(stg_ietf_fields_t *fields,
                                  const stg_request_t *req);

/* Those about digests. INVALID, with a problem. */
stg_error_t *stg_ietf_digests_read(stg_ietf_fields_t *fields);

/* What the representation is: its name and its type. INVALID. */
stg_error_t *stg_ietf_representation_read(stg_resumable_spec_t *spec,
                                          const stg_request_t *req);

/* Have the body compared with its Content-Digest, where there is to be one. */
void stg_ietf_expect_digest(stg_intake_t *intake, stg_ietf_fields_t *fields);

/* Name the digests of header that differ, if some of these do. */
stg_error_t *stg_ietf_compare(const stg_request_t *req, const char *header,
                              const stg_digests_t *announced,
                              const stg_digests_t *computed);

#endif
