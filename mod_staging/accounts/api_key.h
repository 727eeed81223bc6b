/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_ACCOUNTS_API_KEY_H
#define STG_ACCOUNTS_API_KEY_H

#include "auth/principal.h"
#include "db/db.h"

#include <apr_tables.h>

/*
 * Long-lived keys of accounts: "stg_", 32 random bytes as base64url (43
 * characters) and 6 hexadecimal digits of the SHA-256 of what stands before
 * them, so that a mistyped key is refused without asking the database. The
 * database has only the SHA-256 of the whole and a hint, its first 12
 * characters, by which people tell keys apart.
 */

/* What to make. */
typedef struct stg_api_key_spec_t {
    const char *account; /* its name */
    const char *label;   /* UTF-8, at most 200 characters; may be "" */
    unsigned int scopes; /* of STG_SCOPE_READ and STG_SCOPE_WRITE */
    apr_off_t lifetime;  /* seconds; 0 for ever */
} stg_api_key_spec_t;

typedef struct stg_api_key_t {
    const char *id;
    const char *account;
    const char *hint;
    const char *label;
    const char *scopes; /* "read,write" */
    apr_time_t created;
    apr_time_t expires;   /* 0: never */
    apr_time_t revoked;   /* 0: it is not */
    apr_time_t last_used; /* to the minute; 0: never */
    const char *status;   /* "active", "expired", "revoked", "disabled" */
} stg_api_key_t;

/* *text is the only copy of the key there will ever be. NOT_FOUND if there is
 * no such account, INVALID. */
stg_error_t *stg_api_key_add(const char **id, const char **text, stg_db_t *db,
                             const stg_api_key_spec_t *spec, apr_pool_t *p);

/* "read", "write" or both with a comma. Fails with INVALID. */
stg_error_t *stg_api_key_scopes_parse(unsigned int *scopes, const char *text,
                                      apr_pool_t *p);

/* Of one account, or with NULL of all: an array of stg_api_key_t. */
stg_error_t *stg_api_key_list(apr_array_header_t **keys, stg_db_t *db,
                              const char *account, apr_pool_t *p);

/* By id, by hint or by the key itself. Again is no error. NOT_FOUND; CONFLICT
 * if several keys have this hint. Processes that know the key take it for 10
 * seconds more. */
stg_error_t *stg_api_key_revoke(stg_db_t *db, const char *key, apr_pool_t *p);

/* The same by id, of this account (its id) only: NOT_FOUND if it is not. */
stg_error_t *stg_api_key_revoke_own(stg_db_t *db, const char *id,
                                    const char *account, apr_pool_t *p);

/*
 * The keys that a process has lately seen to be good, so that not every
 * request asks the database. Of fixed size, thread safe. A key is asked for
 * again after STG_API_KEY_FRESH seconds: so long a revoked key or a disabled
 * account may live on. Refusals are not kept.
 */
enum { STG_API_KEY_FRESH = 10 };

typedef struct stg_api_keys_t stg_api_keys_t;

stg_error_t *stg_api_keys_create(stg_api_keys_t **keys, apr_pool_t *p);

/* Does text claim to be a key of ours? */
int stg_api_key_is_ours(const char *text);

/* Is it formed as one, checksum included? */
int stg_api_key_is_well_formed(const char *text, apr_pool_t *p);

/* Whose key it is. Fails with BAD_CREDENTIAL if it is unknown, revoked,
 * expired or its account disabled, without saying which. */
stg_error_t *stg_api_key_find(stg_principal_t **principal, stg_api_keys_t *keys,
                              stg_db_t *db, const char *text, apr_pool_t *p);

#endif
