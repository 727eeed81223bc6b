/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "base/query.h"
#include "core/ticket.h"

#include <stdlib.h>
#include <string.h>

/* A stranger gets nothing; and a ticket whose texts are strange comes back as
 * it was issued. */
void stg_fuzz_ticket(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    static const char secret[] = "thirty-two bytes of no secret at all";
    const char *url, *signature;
    apr_array_header_t *query;
    stg_ticket_t ticket = {.method = "GET", .object = "id"}, issued;

    if (stg_query_parse(&query, bytes, p))
        return;
    if (!stg_query_single(&signature, query, "signature", p) &&
        !stg_ticket_redeem(&ticket, secret, query, signature, p))
        abort();
    issued = (stg_ticket_t){.method = "GET",
                            .object = "id",
                            .store = "main",
                            .content_type = bytes,
                            .filename = bytes + count / 2,
                            .expires = apr_time_now() + apr_time_from_sec(60)};
    url = stg_ticket_issue(&issued, secret, p);
    /* the text was UTF-8, but its half need not be */
    if (stg_query_parse(&query, strchr(url, '?') + 1, p))
        return;
    if (stg_query_single(&signature, query, "signature", p) ||
        stg_ticket_redeem(&ticket, secret, query, signature, p) ||
        strcmp(ticket.content_type, issued.content_type) != 0 ||
        strcmp(ticket.filename, issued.filename) != 0)
        abort();
}
