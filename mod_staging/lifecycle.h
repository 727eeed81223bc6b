/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_LIFECYCLE_H
#define STG_LIFECYCLE_H

#include <apr_pools.h>

/* Start and end: configuration into services, in every child. */
void stg_lifecycle_hooks(apr_pool_t *p);

#endif
