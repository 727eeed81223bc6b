/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_AUTH_ISSUER_H
#define STG_AUTH_ISSUER_H

#include "auth/jwa.h"
#include "base/error.h"

#include <apr_tables.h>

/*
 * Whose tokens are accepted, as configured: plain data, no keys yet.
 *
 *   NAME iss=URL alg=ES256[,RS256] key=PEM[,PEM2] | jwks=FILE|URL
 *        aud=TEXT | no-aud  [hd=TEXT] [ca=FILE]
 *   NAME profile=edi key=PEM [iss=...]
 *
 * profile=edi stands for what the EDI IAM puts into its tokens (iss, hd,
 * ES256, no aud); each can be given all the same. An issuer without aud
 * needs hd, and its tokens allow nothing by themselves: the IAM is asked,
 * for such a token may have been meant for anybody.
 */
typedef struct stg_issuer_t {
    const char *name; /* the realm of its principals */
    const char *iss;
    stg_jwa_set_t algorithms;
    const apr_array_header_t *key_files; /* of const char *, PEM; or NULL */
    const char *jwks;                    /* path or URL; or NULL */
    const char *ca_file;                 /* for a URL; NULL: the system's */
    const char *audience;                /* NULL: declared without one */
    const char *hosted_domain;           /* claim hd; NULL: not checked */
    apr_size_t subject_max;              /* bytes */
    unsigned int scopes;                 /* of its principals */
} stg_issuer_t;

/* From the words of a StagingIssuer directive. INVALID with a sentence for
 * the administrator. Reads no file. */
stg_error_t *stg_issuer_parse(stg_issuer_t **issuer, const char *const *words,
                              int count, apr_pool_t *p);

#endif
