/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_AUTH_PASSWORD_H
#define STG_AUTH_PASSWORD_H

#include "base/error.h"

/*
 * Passwords, kept as argon2id (RFC 9106) in the PHC format. One hash takes 19
 * MiB of memory and some 20 ms: a gate lets STG_PASSWORD_HASHES threads of a
 * process compute at once, others wait for two seconds and then fail with BUSY.
 */

enum {
    STG_PASSWORD_HASHES = 4,
    STG_PASSWORD_MIN_CHARACTERS = 12,
    STG_PASSWORD_MAX_BYTES = 1024
};

typedef struct stg_password_gate_t stg_password_gate_t;

/* Lives as long as p. */
stg_error_t *stg_password_gate_create(stg_password_gate_t **gate,
                                      apr_pool_t *p);

/* Is it one that may be chosen? INVALID. */
stg_error_t *stg_password_check(const char *password, apr_pool_t *p);

/* What to keep of it. gate may be NULL. BUSY. */
stg_error_t *stg_password_hash(const char **kept, stg_password_gate_t *gate,
                               const char *password, apr_pool_t *p);

/* Is it the one of which that was kept? Where nothing was (NULL) it takes as
 * long to say no. BUSY. */
stg_error_t *stg_password_verify(int *is_right, stg_password_gate_t *gate,
                                 const char *kept, const char *password,
                                 apr_pool_t *p);

/* Was it hashed as stg_password_hash() does today? */
int stg_password_is_current(const char *kept);

#endif
