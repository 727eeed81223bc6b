/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/sessions_routes.h"

#include "sessions/iam_sign_in_api.h"
#include "sessions/own_key_api.h"
#include "sessions/session_api.h"
#include "web/problem_json.h"

static const stg_route_t routes[] = {
    {"GET", "", STG_GRANT_NOBODY, stg_session_get},
    {"POST", "", STG_GRANT_NOBODY, stg_session_post},
    {"DELETE", "", STG_GRANT_NOBODY, stg_session_remove},
    {"DELETE", "/all", STG_GRANT_DELETE, stg_session_remove_all},
    {"GET", "/iam", STG_GRANT_NOBODY, stg_iam_sign_in_get},
    {"GET", "/{id}/return", STG_GRANT_NOBODY, stg_iam_sign_in_return},
    {"GET", "/key", STG_GRANT_SEE, stg_own_key_list},
    {"POST", "/key", STG_GRANT_SEE, stg_own_key_post},
    {"DELETE", "/key/{id}", STG_GRANT_SEE, stg_own_key_revoke},
    {NULL, NULL, STG_GRANT_NOBODY, NULL},
};

const stg_api_t stg_sessions_api = {
    .name = "sessions",
    .handler = "staging-session",
    .routes = routes,
    .is_query_private = 1, /* with a token the IAM sends names and addresses */
    .refuse = stg_problem_json_refuse,
};
