/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_SETUP_H
#define STG_SETUP_H

#include "auth/iam.h"
#include "core/staging.h"
#include "web/policy.h"

#include <httpd.h>

/* From directives to what they mean, with a sentence for everything that is
 * wrong: at configtest, at start, and in every child. */

/* Find our locations, and refuse a configuration that cannot work. */
int stg_setup_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                    server_rec *s);

/* Warn of what will hurt later: httpd's own limits below ours. */
void stg_setup_warn(apr_pool_t *p, server_rec *s);

/* Warn of a database and stores that are out of reach. It takes seconds if
 * they do not answer, in which a server that starts again would serve nobody:
 * for configtest. Children find out by themselves, and say so. */
void stg_setup_ask(apr_pool_t *p, server_rec *s);

/* DBDMax of mod_dbd, which keeps its settings to itself. */
int stg_setup_dbd_max(void);

/* The stores as configured, opened, and the budget that their parts share. */
stg_error_t *stg_setup_stores(stg_staging_t *staging,
                              const stg_settings_t *settings, apr_pool_t *p);

/* The issuers as configured: of stg_issuer_t *. */
stg_error_t *stg_setup_issuers(apr_array_header_t **issuers,
                               const stg_settings_t *settings, apr_pool_t *p);

/* The secret that signs download URLs, NULL if none is configured. */
stg_error_t *stg_setup_secret(const char **secret,
                              const stg_settings_t *settings, apr_pool_t *p);

/* StagingIAM, NULL if there is none. */
stg_error_t *stg_setup_iam(stg_iam_config_t **iam,
                           const stg_settings_t *settings, apr_pool_t *p);

#endif
