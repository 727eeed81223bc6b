/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_AUTH_CREDENTIALS_H
#define STG_AUTH_CREDENTIALS_H

#include "base/error.h"

/* What the client showed, before anybody believed it: found in a request and
 * taken out of its query, before that is logged. */
typedef struct stg_credentials_t {
    const char *bearer;    /* Authorization: Bearer */
    const char *key;       /* ?key= */
    const char *token;     /* ?token= */
    const char *cookie;    /* edi-token */
    const char *session;   /* the cookie of web/cookie.h */
    const char *signature; /* ?signature= of a download */
    const char *returned;  /* ?edi_token=, with which the IAM sends back */
    int is_repeated;       /* one of them came twice */
} stg_credentials_t;

/* Take the credentials out of a query. Returns what is left of it, NULL if
 * nothing; *masked is the whole with the values struck out, for the log. */
char *stg_credentials_split(stg_credentials_t *credentials, const char **masked,
                            const char *args, apr_pool_t *p);

/* The bearer credential of an Authorization header (RFC 6750, 2.1), which may
 * be NULL or of another scheme. Fails with INVALID if there were two. */
stg_error_t *stg_credentials_bearer(stg_credentials_t *credentials,
                                    const char *value, apr_pool_t *p);

#endif
