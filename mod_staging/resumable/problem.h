/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_RESUMABLE_PROBLEM_H
#define STG_RESUMABLE_PROBLEM_H

#include "base/json.h"
#include "web/request.h"

/* Errors of this slice as problem details (RFC 9457). */

/* What tells the problem of this request from others of its status: a name of
 * IANA's registry of problem types, its title, and members besides (may be
 * NULL). */
void stg_problem_set(const stg_request_t *req, const char *type,
                     const char *title, json_t *members);

/* The types of the draft, 2.12 of the specification. */
void stg_problem_offset(const stg_request_t *req, apr_off_t expected,
                        apr_off_t provided);
void stg_problem_length(const stg_request_t *req);

/* A digest that is refused. */
typedef struct stg_problem_digest_t {
    const char *algorithm; /* as provided; NULL if it cannot be read */
    const char *header;
    const char *value; /* of "invalid" why it is that, of "mismatched" what was
                        * provided, else NULL */
} stg_problem_digest_t;

/* kind is "unsupported", "invalid" or "mismatched"; digests (of
 * stg_problem_digest_t) are all of that kind. */
void stg_problem_digests(const stg_request_t *req, const char *kind,
                         const apr_array_header_t *digests);

/* The body of an answer to an error, as stg_api_t wants it. */
const char *stg_problem_refuse(stg_request_t *req, const stg_error_t *err,
                               const char **content_type);

#endif
