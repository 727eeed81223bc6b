/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STORE_SIGV4_H
#define STG_STORE_SIGV4_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

/*
 * AWS Signature Version 4 by the rules of S3: the path is encoded once and
 * never normalised. Pure: no clock, no network, no state. Everything made
 * here is as good as a credential while it is valid: never log it.
 */

/* The payload line of a body that is not hashed, and of an empty one. */
#define STG_SIGV4_UNSIGNED "UNSIGNED-PAYLOAD"
#define STG_SIGV4_EMPTY                                                        \
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* Who signs, and for when and where. */
typedef struct stg_sigv4_signer_t {
    const char *access_key;
    const char *secret_key;
    const char *token; /* of temporary credentials, or NULL */
    const char *region;
    const char *service; /* "s3" */
    apr_time_t time;     /* the one clock reading of this request */
} stg_sigv4_signer_t;

/* What is signed. */
typedef struct stg_sigv4_request_t {
    const char *method;
    const char *path;           /* encoded; sent with the same bytes */
    const apr_table_t *query;   /* not encoded; may be NULL */
    const apr_table_t *headers; /* all that are signed, Host among them */
    const char *payload;        /* lower-case hex SHA-256, or a mode */
} stg_sigv4_request_t;

/* "20261120T120000Z": the value of x-amz-date. */
const char *stg_sigv4_date(apr_time_t time, apr_pool_t *p);

/* A key as it stands in a path: all but unreserved bytes and slashes are
 * encoded. */
const char *stg_sigv4_path(const char *key, apr_pool_t *p);

/* The canonical query: encoded, then sorted by name and by value. It is also
 * the form to send. "" for NULL. */
const char *stg_sigv4_query(const apr_table_t *query, apr_pool_t *p);

/* "host;x-amz-date": the names, lower case and sorted. */
const char *stg_sigv4_signed_names(const apr_table_t *headers, apr_pool_t *p);

/* The steps of a signature, one after the other. */
const char *stg_sigv4_canonical(const stg_sigv4_request_t *request,
                                apr_pool_t *p);
const char *stg_sigv4_string_to_sign(const stg_sigv4_signer_t *signer,
                                     const char *canonical, apr_pool_t *p);
const char *stg_sigv4_signature(const stg_sigv4_signer_t *signer,
                                const char *string_to_sign, apr_pool_t *p);

/* All steps: the value of the Authorization header. x-amz-date and, with a
 * token, x-amz-security-token must be among the headers. */
const char *stg_sigv4_authorization(const stg_sigv4_signer_t *signer,
                                    const stg_sigv4_request_t *request,
                                    apr_pool_t *p);

/* The whole query of a presigned URL, valid for lifetime from the signer's
 * time. */
const char *stg_sigv4_presign(const stg_sigv4_signer_t *signer,
                              const stg_sigv4_request_t *request,
                              apr_interval_time_t lifetime, apr_pool_t *p);

#endif
