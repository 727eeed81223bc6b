/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_SESSIONS_SESSIONS_ROUTES_H
#define STG_SESSIONS_SESSIONS_ROUTES_H

#include "web/route.h"

/* SetHandler staging-session: signing in and out with a browser, and what
 * belongs to whoever did. */
extern const stg_api_t stg_sessions_api;

#endif
