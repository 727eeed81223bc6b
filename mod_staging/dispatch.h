/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_DISPATCH_H
#define STG_DISPATCH_H

#include <apr_pools.h>

/* The API of this handler, for SetHandler; NULL if it is not ours. */
const struct stg_api_t *stg_dispatch_find(const char *handler);

/* The handler hook: find API and route, check, run, report. */
void stg_dispatch_hooks(apr_pool_t *p);

#endif
