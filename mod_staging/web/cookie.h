/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_WEB_COOKIE_H
#define STG_WEB_COOKIE_H

#include "web/request.h"

/*
 * Cookies of ours: HttpOnly, SameSite=Lax, for the whole host and this host
 * only. Over TLS they have the prefix __Host-, so that no other host and
 * nobody on the way can set them; without TLS there are none, but on this
 * machine itself. Behind a proxy that ends TLS, ServerName tells the scheme.
 */

/* The name of the one that is the proof of a session. */
#define STG_SESSION_COOKIE "staging"

enum { STG_COOKIE_UNTIL_CLOSED = 0 };

/* NULL if it was not sent, or more than once. */
const char *stg_cookie_get(const stg_request_t *req, const char *name);

/* FORBIDDEN where no cookie would be safe. */
stg_error_t *stg_cookie_check(const stg_request_t *req);

/* For so many seconds. As stg_cookie_check(). */
stg_error_t *stg_cookie_set(stg_request_t *req, const char *name,
                            const char *value, int seconds);

/* Let the browser forget it. */
void stg_cookie_drop(stg_request_t *req, const char *name);

#endif
