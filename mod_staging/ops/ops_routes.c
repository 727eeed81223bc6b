/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/ops_routes.h"

#include "ops/operation_api.h"
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

static const stg_route_t operation_routes[] = {
    {"GET", "", STG_GRANT_WATCH, stg_operation_get},
    {"GET", "/history", STG_GRANT_WATCH, stg_operation_history},
    {"GET", "/failures", STG_GRANT_WATCH, stg_operation_failures},
    {"GET", "/jobs", STG_GRANT_WATCH, stg_operation_jobs},
    {"POST", "/jobs/{number}/retry", STG_GRANT_OPERATE, stg_operation_retry},
    {NULL, NULL, STG_GRANT_NOBODY, NULL},
};

const stg_api_t stg_health_api = {
    .name = "ops", .handler = "staging-health", .routes = health_routes};
const stg_api_t stg_ready_api = {
    .name = "ops", .handler = "staging-ready", .routes = ready_routes};
const stg_api_t stg_metrics_api = {
    .name = "ops", .handler = "staging-metrics", .routes = metrics_routes};
const stg_api_t stg_operation_api = {
    .name = "ops", .handler = "staging-operation", .routes = operation_routes};
