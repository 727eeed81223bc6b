/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/ops_routes.h"

#include "ops/ops_api.h"

static const stg_route_t health_routes[] = {
    {"GET", "", STG_GRANT_NOBODY, stg_health_get},
    {NULL, NULL, STG_GRANT_NOBODY, NULL},
};

static const stg_route_t ready_routes[] = {
    {"GET", "", STG_GRANT_NOBODY, stg_ready_get},
    {NULL, NULL, STG_GRANT_NOBODY, NULL},
};

static const stg_route_t metrics_routes[] = {
    {"GET", "", STG_GRANT_NOBODY, stg_metrics_get},
    {NULL, NULL, STG_GRANT_NOBODY, NULL},
};

const stg_api_t stg_health_api = {
    .name = "ops", .handler = "staging-health", .routes = health_routes};
const stg_api_t stg_ready_api = {
    .name = "ops", .handler = "staging-ready", .routes = ready_routes};
const stg_api_t stg_metrics_api = {
    .name = "ops", .handler = "staging-metrics", .routes = metrics_routes};
