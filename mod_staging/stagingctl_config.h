/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STAGINGCTL_CONFIG_H
#define STG_STAGINGCTL_CONFIG_H

#include "base/error.h"

/*
 * What stagingctl takes from a file of httpd's configuration: the lines
 * DBDParams, StagingStore and StagingTempDir, split into words as httpd does.
 * All other lines are skipped, Include too, and sections are not looked at.
 */

typedef struct stg_ctl_config_t {
    const char *dsn; /* for libpq; NULL if there is none */
    const char *temp_dir;
    apr_array_header_t *stores; /* of apr_array_header_t * of char * */
} stg_ctl_config_t;

/* Fails with INVALID and the number of the line, or NOT_FOUND. */
stg_error_t *stg_ctl_config_read(stg_ctl_config_t **config, const char *path,
                                 apr_pool_t *p);

/* The same from text in memory. */
stg_error_t *stg_ctl_config_parse(stg_ctl_config_t **config, const char *text,
                                  apr_pool_t *p);

#endif
