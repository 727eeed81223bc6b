/* SPDX-License-Identifier: Apache-2.0 */
#include "web/waker.h"

#include <http_core.h>

/* The socket of a secondary connection is that of all requests beside it. */
void stg_waker_set(stg_waker_t *waker, const request_rec *r)
{
    waker->socket =
        r->connection->master ? NULL : ap_get_conn_socket(r->connection);
}

void stg_waker_wake(void *waker)
{
    apr_socket_t *socket = ((stg_waker_t *)waker)->socket;

    if (socket)
        apr_socket_shutdown(socket, APR_SHUTDOWN_READ);
}

void stg_waker_close_soon(request_rec *r)
{
    apr_table_setn(r->connection->notes, "short-lingering-close", "1");
}
