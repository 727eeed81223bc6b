/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_AUTH_IAM_H
#define STG_AUTH_IAM_H

#include "auth/jwt.h"

/*
 * The EDI IAM: who owns an API key, and what a principal is granted. Its
 * answers are kept: a key's token for at most five minutes, a grant for one
 * minute, a refusal for five seconds; the key itself is never kept.
 *
 * When the IAM does not answer, is not itself (status 3xx, 5xx, or an answer
 * that makes no sense) or takes more than ten seconds, all fail with
 * IAM_DOWN and say when to try again: never is anything allowed by default.
 *
 * May be used by any number of threads.
 */

typedef struct stg_iam_t stg_iam_t;

/* As configured: StagingIAM URL [ca=FILE]. */
typedef struct stg_iam_config_t {
    const char *url;     /* without a slash at its end */
    const char *ca_file; /* NULL: the system's */
} stg_iam_config_t;

/* INVALID, with a sentence for the administrator. */
stg_error_t *stg_iam_parse(stg_iam_config_t **config, const char *const *words,
                           int count, apr_pool_t *p);

/* Lives as long as p; the tokens that it hands out are verified with
 * issuers. Asks nothing yet. */
stg_iam_t *stg_iam_create(const stg_iam_config_t *config,
                          stg_issuers_t *issuers, stg_http_client_t *http,
                          apr_pool_t *p);

/* Whose key is this? BAD_CREDENTIAL if nobody's; IAM_DOWN. */
stg_error_t *stg_iam_exchange(stg_principal_t **principal, stg_iam_t *iam,
                              const char *key, apr_pool_t *p);

/* Where people of the IAM come from: names that a browser is sent to it with;
 * ended by NULL. */
extern const char *const stg_iam_providers[];

/* Where a browser signs in with one of them, to come back to target, an
 * absolute URL. INVALID if there is no such provider. */
stg_error_t *stg_iam_sign_in_url(const char **url, const stg_iam_t *iam,
                                 const char *provider, const char *target,
                                 apr_pool_t *p);

/* Is the principal, who has a token, granted this permission ("read",
 * "write") on the resource? FORBIDDEN if not, BAD_CREDENTIAL if the IAM does
 * not take the token, IAM_DOWN. */
stg_error_t *stg_iam_authorize(stg_iam_t *iam, const stg_principal_t *principal,
                               const char *resource, const char *permission,
                               apr_pool_t *p);

#endif
