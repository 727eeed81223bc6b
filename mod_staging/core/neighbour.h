/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_CORE_NEIGHBOUR_H
#define STG_CORE_NEIGHBOUR_H

#include <apr_pools.h>

/*
 * Processes of this machine, of which, unlike of others, it can be told for
 * certain that they are gone.
 */

/* A name of the place where our pids mean something, this host since its boot
 * and our pid namespace; NULL if it cannot be told. */
const char *stg_neighbour_place(apr_pool_t *p);

/* Has a process of our place ended? False also if its pid is another's now. */
int stg_neighbour_is_gone(int pid);

#endif
