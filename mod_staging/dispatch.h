/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_DISPATCH_H
#define STG_DISPATCH_H

#include <apr_pools.h>

/* Is name a handler of ours, for SetHandler? */
int stg_dispatch_knows(const char *name);

/* The handler hook: find API and route, check, run, report. */
void stg_dispatch_hooks(apr_pool_t *p);

#endif
