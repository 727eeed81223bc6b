/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_SESSIONS_OWN_KEY_API_H
#define STG_SESSIONS_OWN_KEY_API_H

#include "web/route.h"

/* Handlers of the keys of one's own account. */
stg_handler_t stg_own_key_list;

/* Only for who signed in with a password or a link: a key that leaked must not
 * make others that outlive it, nor end those that would replace it. */
stg_handler_t stg_own_key_post;
stg_handler_t stg_own_key_revoke;

#endif
