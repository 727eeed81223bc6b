/* SPDX-License-Identifier: Apache-2.0 */
#include "web/override.h"

#include <http_protocol.h>

#include <string.h>

stg_error_t *stg_override_method(stg_request_t *req)
{
    static const char *const methods[] = {"PATCH", "DELETE", "HEAD"};
    request_rec *r = req->r;
    const char *meant = apr_table_get(r->headers_in, "X-HTTP-Method-Override");

    if (!meant || r->method_number != M_POST)
        return STG_OK;
    for (apr_size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
        if (strcmp(meant, methods[i]))
            continue;
        /* header_only stays: a client that sent a POST waits for what the
         * header announces, and httpd leaves Content-Length: 0 out of answers
         * to HEAD */
        r->method = methods[i];
        r->method_number = ap_method_number_of(methods[i]);
        return STG_OK;
    }
    return stg_raise(req->pool, STG_E_INVALID,
                     "X-HTTP-Method-Override can make PATCH, DELETE or HEAD "
                     "of a POST");
}
