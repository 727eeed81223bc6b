/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_WEB_REFUSE_H
#define STG_WEB_REFUSE_H

#include "web/request.h"

/*
 * Errors on their way out. Below our mounts every error answer of httpd,
 * whoever raised it, gets our body:
 *     {"detail": "...", "request_id": "..."}
 * (spec/edi.md, A22), with problems if there are any. ErrorDocument does not
 * apply: clients of an API parse what they get.
 */

/* Keep err for the answer, set the headers that go with it, log it once, and
 * return its HTTP status, which the hook or handler returns to httpd. If the
 * body was not read to its end the connection is closed after the answer. */
int stg_refuse(stg_request_t *req, const stg_error_t *err);

/* Log err as stg_refuse() does, for who answers something else all the same. */
void stg_refuse_log(const stg_request_t *req, const stg_error_t *err);

/* What there is to say of a status that httpd itself chose. */
const char *stg_refuse_text(int status);

void stg_refuse_hooks(apr_pool_t *p);

#endif
