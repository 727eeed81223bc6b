/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_WEB_BODY_H
#define STG_WEB_BODY_H

#include "stream/sink.h"
#include "web/request.h"

struct stg_transfer_t;
struct stg_transfers_t;

/* Length announced by Content-Length, -1 if none. */
apr_off_t stg_body_length(const stg_request_t *req);

/* Can a body that was cut be told from one that is whole? If the reset of a
 * stream comes right behind its last bytes, mod_http2 may end the body as it
 * ends any other, and nothing tells (2.4.71: now and then); so what has no
 * Content-Length needs a mark of its own: a closing boundary, a digest, a size
 * that was declared. */
int stg_body_end_is_safe(const stg_request_t *req);

/* Push the request body into sink until its end; does not close it. Nothing
 * is allocated per chunk. Fails with BODY_INCOMPLETE when the client goes
 * away or cuts it, BUSY when the process has to end, TIMEOUT when it is too
 * slow, TOO_LARGE beyond LimitRequestBody, INVALID on bad framing, or as sink
 * fails. */
stg_error_t *stg_body_pump(stg_request_t *req, stg_sink_t *sink);

/* The same for a request that holds a part upload (core/transfer.h): TAKEN
 * as soon as a newer one wants it, ENDING as soon as the process was told to
 * end; if the client is silent too. Over HTTP/2 a silent client keeps its
 * request waiting. What has been written by then counts. */
stg_error_t *stg_body_pump_held(stg_request_t *req, stg_sink_t *sink,
                                struct stg_transfers_t *transfers,
                                struct stg_transfer_t *transfer);

/* After the body: a field of its trailer (RFC 9110, 6.5), NULL if absent. */
const char *stg_body_trailer(const stg_request_t *req, const char *name);

/* A field of the header or, after the body, of its trailer (RFC 9110, 6.5);
 * NULL if absent. */
const char *stg_body_field(const stg_request_t *req, const char *name);

#endif
