/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_AUTH_PRINCIPAL_H
#define STG_AUTH_PRINCIPAL_H

#include <apr_pools.h>
#include <apr_time.h>

/*
 * Who is asking, after authentication, whatever the proof was: a token, a
 * key of an account, or another module of httpd.
 */

/* What the proof itself allows. Without STG_SCOPE_ASK_IAM a missing bit is a
 * refusal; with it the IAM decides (auth/iam.h). */
enum {
    STG_SCOPE_READ = 1 << 0,
    STG_SCOPE_WRITE = 1 << 1,
    STG_SCOPE_ASK_IAM = 1 << 2
};

/* Realms that are no issuer's; an issuer cannot take these names. */
#define STG_REALM_ACCOUNT "account"
#define STG_REALM_HTTPD "httpd"

typedef struct stg_principal_t {
    const char *realm;   /* the issuer's name, or one of the two above */
    const char *subject; /* who within the realm; opaque, case matters */
    const char *owner;   /* "realm:subject", as rows have it */
    const char *name;    /* for display only; never NULL */
    unsigned int scopes; /* of STG_SCOPE_* */
    int is_operator;     /* by the grant of its account */
    apr_time_t expires;  /* of the proof; 0 if that has no end */
    /* of the account when it proved itself by that or a link; else NULL */
    const char *password_number;
    const char *token; /* the token itself, for the IAM only, or NULL */
} stg_principal_t;

/* With the subject as name and no scopes; all texts are copied into p. */
stg_principal_t *stg_principal_create(const char *realm, const char *subject,
                                      apr_pool_t *p);

/* As a parameter of a statement, text[]; asking the IAM is none of them. */
const char *stg_scopes_array(unsigned int scopes, apr_pool_t *p);

#endif
