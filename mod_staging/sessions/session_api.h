/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_SESSIONS_SESSION_API_H
#define STG_SESSIONS_SESSION_API_H

#include "web/route.h"

/* Handlers of the routes of sessions_routes.c. */

/* Who is signed in, how somebody can be, and what a page needs to know of the
 * service: where its APIs are, and their limits. Nobody is no error. */
stg_handler_t stg_session_get;

/* Sign in with a password, a key or the code of a one-time link. */
stg_handler_t stg_session_post;

/* Sign out; and everywhere. */
stg_handler_t stg_session_remove;
stg_handler_t stg_session_remove_all;

#endif
