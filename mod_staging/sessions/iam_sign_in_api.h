/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_SESSIONS_IAM_SIGN_IN_API_H
#define STG_SESSIONS_IAM_SIGN_IN_API_H

#include "web/route.h"

/* Signing in at the IAM (spec/edi.md, 2.8): send the browser there, and take
 * the token that it comes back with. */
stg_handler_t stg_iam_sign_in_get;
stg_handler_t stg_iam_sign_in_return;

#endif
