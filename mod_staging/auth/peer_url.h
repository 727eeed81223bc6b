/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_AUTH_PEER_URL_H
#define STG_AUTH_PEER_URL_H

/* May keys or grants be asked for at this URL? Only over TLS; without it only
 * on this machine, where nobody can come in between. */
int stg_peer_url_is_safe(const char *url);

#endif
