/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_WEB_IN_FLIGHT_H
#define STG_WEB_IN_FLIGHT_H

#include "base/error.h"

/* Of the uploads that all processes of this server receive, one more until p
 * is cleared. BUSY if there are max already (0: no limit). */
stg_error_t *stg_in_flight_enter(int max, apr_pool_t *p);

#endif
