/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_WEB_REPLY_H
#define STG_WEB_REPLY_H

#include "base/json.h"
#include "web/request.h"

#include <apr_buckets.h>

/* Answers. All set Cache-Control: private or no-store as fits, and
 * X-Content-Type-Options: nosniff. */

/* A JSON document with a status. */
stg_error_t *stg_reply_json(stg_request_t *req, int status, const json_t *json);

/* A status without a body, such as 204. */
stg_error_t *stg_reply_empty(stg_request_t *req, int status);

/* End the connection (HTTP/2: the stream) without an answer, so that the
 * client sees that its request was cut. */
stg_error_t *stg_reply_cut(stg_request_t *req);

/* 302 or 303 to location, which nobody keeps or tells where it came from. */
stg_error_t *stg_reply_redirect(stg_request_t *req, int status,
                                const char *location);

/* Set the ETag (without quotes); *is_met turns true when the client has the
 * representation already and 304 was answered (RFC 9110, 13.1.2), and *err
 * for If-Match that fails. */
stg_error_t *stg_reply_if_changed(int *is_met, stg_request_t *req,
                                  const char *etag);

/* A body in pieces. begin sets status and type; after the first write an
 * error can only cut the answer off: stg_reply_break(). */
typedef struct stg_reply_stream_t stg_reply_stream_t;
stg_reply_stream_t *stg_reply_begin(stg_request_t *req, int status,
                                    const char *content_type);
stg_error_t *stg_reply_write(stg_reply_stream_t *stream, const char *bytes,
                             apr_size_t count);
stg_error_t *stg_reply_end(stg_reply_stream_t *stream);

/* Log err and let the client see that the answer is not whole. */
stg_error_t *stg_reply_break(stg_reply_stream_t *stream,
                             const stg_error_t *err);

/* "/mount/suffix", behind StagingBaseURL where one is set. */
const char *stg_reply_link(const stg_request_t *req, const char *suffix);

#endif
