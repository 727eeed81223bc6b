/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_WEB_IN_FLIGHT_H
#define STG_WEB_IN_FLIGHT_H

#include "base/error.h"

#include <sys/types.h>

/*
 * How many uploads all processes of this server receive at once: a slot for
 * each process in shared memory, so that one that dies takes its count with
 * it.
 */

typedef struct stg_in_flight_t stg_in_flight_t;

/* Bytes of shared memory, zeroed by its owner. */
apr_size_t stg_in_flight_size(void);

/* Take a slot for this process; NULL if all are taken by living ones. */
stg_in_flight_t *stg_in_flight_attach(void *memory, pid_t pid, apr_pool_t *p);

/* One more, until p is cleared. BUSY if there are max already (0: no limit). */
stg_error_t *stg_in_flight_enter(stg_in_flight_t *in_flight, int max,
                                 apr_pool_t *p);

int stg_in_flight_total(const stg_in_flight_t *in_flight);

#endif
