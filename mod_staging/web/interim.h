/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_WEB_INTERIM_H
#define STG_WEB_INTERIM_H

#include "web/request.h"

/* Interim answers (RFC 9110, 15.2). Nothing may depend on their arrival. */

/* Send status with these fields and no others; from the request's own thread,
 * before its final answer. Does nothing for HTTP/1.0. status_line as in
 * "104 Upload Resumption Supported". */
void stg_interim_send(stg_request_t *req, int status, const char *status_line,
                      const apr_table_t *fields);

#endif
