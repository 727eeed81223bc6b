/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_CORE_TICKET_H
#define STG_CORE_TICKET_H

#include "base/error.h"

#include <apr_tables.h>
#include <apr_time.h>

/*
 * Permission to download one object with one method for a while, as the
 * query of a URL that httpd serves itself: everything that the answer needs
 * and an HMAC-SHA256 over it. No row is read to redeem it, and nothing in it
 * is secret but the signature.
 */

typedef struct stg_ticket_t {
    const char *method; /* GET or HEAD */
    const char *store;  /* name */
    const char *object; /* id */
    const char *content_type;
    const char *filename;
    const char *digest; /* SHA-256 in hex, or NULL */
    apr_time_t expires;
} stg_ticket_t;

/* "object-id?store=...&signature=...". */
const char *stg_ticket_issue(const stg_ticket_t *ticket, const char *secret,
                             apr_pool_t *p);

/* The ticket in the parameters of a query and its signature, which a caller
 * keeps out of logs. FORBIDDEN if it is forged, for another method, or has
 * expired. */
stg_error_t *stg_ticket_redeem(stg_ticket_t *ticket, const char *secret,
                               const apr_array_header_t *query,
                               const char *signature, apr_pool_t *p);

#endif
