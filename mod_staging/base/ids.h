/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_BASE_IDS_H
#define STG_BASE_IDS_H

#include <apr_pools.h>

/* A random UUIDv4 in lower case (RFC 9562, 5.4). */
const char *stg_uuid_create(apr_pool_t *p);

/* Is text a UUID in exactly our lower-case form? */
int stg_uuid_is_valid(const char *text);

/* count bytes of the system's random generator. */
void stg_random_bytes(unsigned char *bytes, apr_size_t count);

/* The same as base64url. */
const char *stg_secret_create(apr_size_t count, apr_pool_t *p);

/* Equality in a time that depends on the lengths only. */
int stg_secret_equal(const char *a, const char *b);

#endif
