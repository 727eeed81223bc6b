/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_AUTH_CLAIMS_H
#define STG_AUTH_CLAIMS_H

#include "auth/issuer.h"
#include "auth/principal.h"

#include <jansson.h>

/* What the claims of a token (RFC 7519, 4.1) of this issuer say, once its
 * signature was found good. The caller sets principal->token.
 *
 * Required are sub and exp, and iss, hd and aud as configured; nbf and iat
 * may be a minute ahead of our clock. An issuer declared without aud is not
 * held to one. All other claims are ignored but for the display name.
 * BAD_CREDENTIAL. */
stg_error_t *stg_claims_check(stg_principal_t **principal,
                              const stg_issuer_t *issuer, const json_t *claims,
                              apr_pool_t *p);

/* Text that may be shown and logged: UTF-8 without control characters, at
 * least one byte and at most max. NULL is none. */
int stg_claims_is_plain(const char *text, apr_size_t max);

#endif
