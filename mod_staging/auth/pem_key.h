/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_AUTH_PEM_KEY_H
#define STG_AUTH_PEM_KEY_H

#include "base/error.h"

#include <cjose/jwk.h>

/* Read the public key (SubjectPublicKeyInfo) in a PEM file. The caller
 * releases it. INVALID, with a sentence for the administrator. */
stg_error_t *stg_pem_key_read(cjose_jwk_t **key, const char *file,
                              apr_pool_t *p);

#endif
