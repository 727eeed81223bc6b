/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_AUTH_WEB_SESSION_H
#define STG_AUTH_WEB_SESSION_H

#include "auth/principal.h"
#include "db/db.h"

/*
 * Who signed in with a browser, and for how long. The browser has a cookie of
 * 256 random bits, the database its SHA-256. A session ends when its cookie was
 * not shown for a while, at the end of its life, with the proof it was made
 * of (key, token), with its account, and when that gets another password.
 */

typedef struct stg_web_session_t {
    stg_principal_t *principal;
    const char *how; /* "password", "key", "link" or "iam" */
    apr_time_t created;
    apr_time_t idle_end; /* unless it is seen again */
    apr_time_t end;
} stg_web_session_t;

/* What to make it of. */
typedef struct stg_web_session_spec_t {
    const stg_principal_t *principal; /* its token is kept, sealed */
    const char *how;
    const char *key;    /* of an account of ours, that it ends with; or NULL */
    apr_off_t idle;     /* seconds */
    apr_off_t lifetime; /* seconds */
} stg_web_session_spec_t;

/* *cookie is the only copy there will ever be. Who has many sessions loses the
 * one that was not seen for longest. */
stg_error_t *stg_web_session_add(const char **cookie, stg_db_t *db,
                                 const stg_web_session_spec_t *spec,
                                 apr_pool_t *p);

/* Whose cookie it is. A principal with a token has nothing else from here: it
 * is for the caller to verify. BAD_CREDENTIAL, without saying why. */
stg_error_t *stg_web_session_find(stg_web_session_t **session, stg_db_t *db,
                                  const char *cookie, apr_pool_t *p);

/* Again is no error. */
stg_error_t *stg_web_session_end(stg_db_t *db, const char *cookie,
                                 apr_pool_t *p);

/* Every session of this principal. */
stg_error_t *stg_web_session_end_all(stg_db_t *db,
                                     const stg_principal_t *principal,
                                     apr_pool_t *p);

#endif
