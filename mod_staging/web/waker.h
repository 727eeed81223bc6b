/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_WEB_WAKER_H
#define STG_WEB_WAKER_H

#include <apr_network_io.h>
#include <httpd.h>

/* How another thread ends a request's wait for its client: the receiving side
 * of the connection ends. What has come is read before that, and the answer
 * still goes out. */
typedef struct stg_waker_t {
    apr_socket_t *socket; /* NULL over HTTP/2: the connection is shared */
} stg_waker_t;

void stg_waker_set(stg_waker_t *waker, const request_rec *r);

/* Any thread, as long as the request lives. waker: an stg_waker_t, as
 * core/transfer.h wants it. */
void stg_waker_wake(void *waker);

/* What the client goes on to send after the answer is not waited for long. */
void stg_waker_close_soon(request_rec *r);

#endif
