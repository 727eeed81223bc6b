/* SPDX-License-Identifier: Apache-2.0 */
#include "web/web.h"

#include "web/refuse.h"
#include "web/request.h"
#include "web/who.h"

void stg_web_hooks(apr_pool_t *p)
{
    stg_request_hooks(p);
    stg_who_hooks(p);
    stg_refuse_hooks(p);
}
