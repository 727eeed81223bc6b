/* SPDX-License-Identifier: Apache-2.0 */
/* The module record and its hooks, nothing else. */
#include "config.h"
#include "dispatch.h"
#include "lifecycle.h"
#include "ops/status.h"
#include "web/web.h"

static void register_hooks(apr_pool_t *p)
{
    stg_lifecycle_hooks(p);
    stg_web_hooks(p);
    stg_dispatch_hooks(p);
    stg_status_hooks(p);
}

AP_DECLARE_MODULE(staging) = {
    STANDARD20_MODULE_STUFF,
    .create_dir_config = stg_config_create_policy,
    .merge_dir_config = stg_config_merge_policy,
    .create_server_config = stg_config_create_settings,
    .cmds = stg_config_directives,
    .register_hooks = register_hooks,
};
