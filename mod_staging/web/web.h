/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_WEB_WEB_H
#define STG_WEB_WEB_H

#include <httpd.h>
#include <http_config.h>

/* The only symbol that the module exports. */
extern module AP_MODULE_DECLARE_DATA staging_module
    __attribute__((visibility("default")));

/* A <Location> with one of our handlers, found in post_config. */
typedef struct stg_mount_t {
    const char *path;    /* without a slash at its end; "" is the root */
    const char *handler; /* as given to SetHandler */
    const struct stg_api_t *api; /* web/route.h */
    const server_rec *server;
    const struct stg_policy_t *policy; /* without those of outer locations */
} stg_mount_t;

/* All hooks of this floor: request identity and credentials, authentication,
 * authorization, errors. */
void stg_web_hooks(apr_pool_t *p);

#endif
