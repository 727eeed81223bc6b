/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_OPS_OPS_ROUTES_H
#define STG_OPS_OPS_ROUTES_H

#include "web/route.h"

/* SetHandler staging-health: this server answers.
 * SetHandler staging-ready: database, schema and stores answer, too.
 * SetHandler staging-metrics: Prometheus' text format.
 * SetHandler staging-operation: figures, failures and jobs, for operators. */
extern const stg_api_t stg_health_api;
extern const stg_api_t stg_ready_api;
extern const stg_api_t stg_metrics_api;
extern const stg_api_t stg_operation_api;

#endif
