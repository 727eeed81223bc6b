/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_RESUMABLE_RESUMABLE_API_H
#define STG_RESUMABLE_RESUMABLE_API_H

#include "resumable/resumable.h"
#include "web/request.h"

/* What both dialects have in common. Routes and grants are in
 * resumable_routes.c. */
stg_error_t *stg_resumable_begin(stg_request_t *req);
stg_error_t *stg_resumable_options(stg_request_t *req);

/* These leave the rest to the dialect of the request. */
stg_error_t *stg_resumable_post(stg_request_t *req);
stg_error_t *stg_resumable_head(stg_request_t *req); /* GET too */
stg_error_t *stg_resumable_patch(stg_request_t *req);
stg_error_t *stg_resumable_remove(stg_request_t *req);

/* The upload that req is about. NOT_FOUND, GONE. */
stg_error_t *stg_resumable_target(stg_resumable_t **resumable,
                                  const stg_request_t *req);

/* What a new upload has from its location and its owner. */
stg_error_t *stg_resumable_spec_open(stg_resumable_spec_t *spec,
                                     const stg_request_t *req);

/* Where the upload is. */
const char *stg_resumable_link(const stg_request_t *req,
                               const stg_resumable_t *resumable);

/* TOO_LARGE for more than an upload, or a request, may have; -1 passes. */
stg_error_t *stg_resumable_check_size(const stg_request_t *req, apr_off_t size);
stg_error_t *stg_resumable_check_append(const stg_request_t *req,
                                        apr_off_t length);

/* Where a body of this length (-1: not known) ends that begins at offset.
 * Content-Length may be as large as a number can be. */
apr_off_t stg_resumable_end(apr_off_t offset, apr_off_t length);

/* This request, which is to create an upload and had it as part, failed before
 * its client could know of it: remove it, if it is new. The list of uploads
 * tells of it, too: whoever waits for it, or has taken it since, keeps it. */
void stg_resumable_forget(const stg_request_t *req,
                          const stg_resumable_t *resumable,
                          const stg_part_upload_t *part);

/* May the body of this request, which is to create an upload, be its first
 * bytes? Not if an earlier request has created it: what is sent again must not
 * be appended to what is there. The rest of the body is not read then. */
int stg_resumable_is_empty(const stg_request_t *req,
                           const stg_resumable_t *resumable);

/* The value of Upload-Limit; resumable may be NULL. */
const char *stg_resumable_limits(const stg_request_t *req,
                                 const stg_resumable_t *resumable);

/* The upload as a document. */
stg_error_t *stg_resumable_reply(stg_request_t *req, int status,
                                 const stg_resumable_t *resumable);

#endif
