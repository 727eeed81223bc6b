/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_CONFIG_H
#define STG_CONFIG_H

#include <httpd.h>
#include <http_config.h>

/* Directives into structs: everything here is generated from
 * web/directives.h, so that a directive cannot be half-added. */

void *stg_config_create_policy(apr_pool_t *p, char *section);
void *stg_config_merge_policy(apr_pool_t *p, void *base, void *over);
void *stg_config_create_settings(apr_pool_t *p, server_rec *s);

extern const command_rec stg_config_directives[];

#endif
