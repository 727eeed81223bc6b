/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_ACCOUNTS_SIGN_IN_H
#define STG_ACCOUNTS_SIGN_IN_H

#include "auth/password.h"
#include "auth/principal.h"
#include "db/db.h"

/*
 * Accounts that prove themselves by a password, or by a one-time link that the
 * administrator made. Whether an account exists, has a password or is disabled
 * makes no difference to anybody who does not know the proof, in words or in
 * time.
 */

typedef struct stg_sign_in_t {
    const char *name;
    const char *password;
    const char *address; /* of the client */
    const char *browser; /* a secret that it keeps */
} stg_sign_in_t;

/* BAD_CREDENTIAL; THROTTLED with the seconds to wait, after too many failures
 * for this name or from this address: or, in a browser that the account proved
 * itself in before, of this browser, so that nobody shuts others out; BUSY. */
stg_error_t *stg_sign_in_password(stg_principal_t **principal, stg_db_t *db,
                                  stg_password_gate_t *gate,
                                  const stg_sign_in_t *asked, apr_pool_t *p);

/* Its sessions and links end, and nobody comes in who proved himself before.
 * NOT_FOUND, INVALID. */
stg_error_t *stg_sign_in_set_password(stg_db_t *db, const char *name,
                                      const char *password, apr_pool_t *p);

/* *code signs the account in, once, within so many seconds. NOT_FOUND, also of
 * an account that is disabled. */
stg_error_t *stg_sign_in_link_add(const char **code, stg_db_t *db,
                                  const char *name, apr_off_t lifetime,
                                  apr_pool_t *p);

/* BAD_CREDENTIAL, without saying why. */
stg_error_t *stg_sign_in_link_redeem(stg_principal_t **principal, stg_db_t *db,
                                     const char *code, apr_pool_t *p);

#endif
