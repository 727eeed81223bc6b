/* SPDX-License-Identifier: Apache-2.0 */
#include "web/interim.h"

#include <http_protocol.h>

void stg_interim_send(stg_request_t *req, int status, const char *status_line,
                      const apr_table_t *fields)
{
    request_rec *r = req->r;
    apr_table_t *headers = r->headers_out;

    if (r->proto_num < HTTP_VERSION(1, 1))
        return;
    /* ap_send_interim_response() sends headers_out, and clears them */
    r->headers_out = apr_table_copy(r->pool, fields);
    r->status = status;
    r->status_line = status_line;
    ap_send_interim_response(r, 1);
    r->headers_out = headers;
    /* While another status stands here, the input filter takes a client that
     * still expects 100 for one that has been refused: its body would be
     * empty. */
    r->status = HTTP_OK;
    r->status_line = NULL;
}
