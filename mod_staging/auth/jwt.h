/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_AUTH_JWT_H
#define STG_AUTH_JWT_H

#include "auth/issuer.h"
#include "auth/principal.h"
#include "net/http_client.h"

/*
 * Tokens: JSON Web Tokens (RFC 7519) in compact JWS form (RFC 7515), checked
 * as RFC 8725 advises. The issuer that a token names decides which
 * algorithms and keys can be good; nothing in a token adds a key.
 *
 * May be used by any number of threads.
 */

enum { STG_JWT_MAX_BYTES = 8192 };

/* The issuers of this process and their keys. */
typedef struct stg_issuers_t stg_issuers_t;

/* list holds stg_issuer_t *. PEM and JWK set files are read now. Lives as
 * long as p. INVALID, with a sentence for the administrator. */
stg_error_t *stg_issuers_create(stg_issuers_t **issuers,
                                const apr_array_header_t *list,
                                stg_http_client_t *http, apr_pool_t *p);

/* Is one of them of the IAM, which is asked what its tokens allow, and has a
 * name that is wanted? */
int stg_issuers_any_of_iam(const stg_issuers_t *issuers,
                           int (*is_wanted)(const void *context,
                                            const char *name),
                           const void *context);

/* Has it the form of a token: three base64url parts with two dots, not too
 * long? Says nothing about who made it. */
int stg_jwt_is_wellformed(const char *token, apr_size_t length);

/* Who shows this token. BAD_CREDENTIAL, with a message that says what is
 * wrong but not what is in it; IAM_DOWN if the issuer's keys cannot be had. */
stg_error_t *stg_jwt_verify(stg_principal_t **principal, stg_issuers_t *issuers,
                            const char *token, apr_size_t length,
                            apr_pool_t *p);

#endif
