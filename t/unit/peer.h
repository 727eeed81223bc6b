/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_T_UNIT_PEER_H
#define STG_T_UNIT_PEER_H

#include <apr_pools.h>

/* A small HTTP server on the loopback interface, in a thread of its own, one
 * connection and one request at a time. Ends with its pool. */

typedef struct stg_peer_t {
    const char *url;            /* http://127.0.0.1:port */
    const char *_Atomic answer; /* all bytes of it; NULL: hang up */
    _Atomic int hang_ups;       /* this many requests get no answer first */
    _Atomic int requests;       /* so far */
    char last_request[16384];
} stg_peer_t;

stg_peer_t *stg_peer_start(apr_pool_t *p);

/* An answer with this status and body. */
const char *stg_peer_answer(int status, const char *body, apr_pool_t *p);

#endif
