/* SPDX-License-Identifier: Apache-2.0 */
#include "web/in_flight.h"

#include "base/crash.h"
#include "base/metrics.h"

/* The answer has been sent, since the request's pool goes after that. */
static apr_status_t leave(void *unused)
{
    (void)unused;
    STG_CRASH_POINT("answer-sent");
    stg_metric_add(STG_METRIC_IN_FLIGHT, -1);
    return APR_SUCCESS;
}

stg_error_t *stg_in_flight_enter(int max, apr_pool_t *p)
{
    stg_error_t *err;

    stg_metric_add(STG_METRIC_IN_FLIGHT, 1);
    apr_pool_cleanup_register(p, NULL, leave, apr_pool_cleanup_null);
    if (!max || stg_metric_value(STG_METRIC_IN_FLIGHT) <= max)
        return STG_OK;
    apr_pool_cleanup_run(p, NULL, leave);
    err = stg_raise(p, STG_E_BUSY,
                    "the server is receiving as many uploads as it can: try "
                    "again in a moment");
    err->retry_after = 5;
    return err;
}
