/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_OPS_STATUS_H
#define STG_OPS_STATUS_H

#include <apr_pools.h>

/* A section of mod_status's page, and its ?auto form. */
void stg_status_hooks(apr_pool_t *p);

#endif
