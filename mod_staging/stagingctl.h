/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STAGINGCTL_H
#define STG_STAGINGCTL_H

#include "core/staging.h"
#include "stagingctl_config.h"

/*
 * The commands of stagingctl. A command takes its options and operands out
 * of ctl, prints what was asked for to stdout and everything else to stderr.
 */

typedef struct stg_ctl_t {
    const stg_ctl_config_t *config;
    stg_staging_t staging;     /* with db; a command opens the stores */
    apr_array_header_t *words; /* of the command line, not taken yet */
    int has_differences;       /* out: exit with 1, without an error */
} stg_ctl_t;

typedef stg_error_t *stg_ctl_fn_t(stg_ctl_t *ctl, apr_pool_t *p);

/* Taking from the command line. Options first: stg_ctl_operands() fails if
 * there are too few or too many words left, or an option that nobody took.
 * All failures are INVALID. */
int stg_ctl_take_flag(stg_ctl_t *ctl, const char *name);
stg_error_t *stg_ctl_take_option(const char **value, stg_ctl_t *ctl,
                                 const char *name, apr_pool_t *p);
stg_error_t *stg_ctl_operands(stg_ctl_t *ctl, int least, int most,
                              apr_pool_t *p);

/* The operand, NULL if there are not so many. */
const char *stg_ctl_operand(const stg_ctl_t *ctl, int index);

/* stagingctl_admin.c */
stg_ctl_fn_t stg_ctl_migrate;
stg_ctl_fn_t stg_ctl_account_add;
stg_ctl_fn_t stg_ctl_account_list;
stg_ctl_fn_t stg_ctl_account_disable;
stg_ctl_fn_t stg_ctl_account_enable;
stg_ctl_fn_t stg_ctl_account_password;
stg_ctl_fn_t stg_ctl_link;
stg_ctl_fn_t stg_ctl_account_operator;
stg_ctl_fn_t stg_ctl_key_add;
stg_ctl_fn_t stg_ctl_key_list;
stg_ctl_fn_t stg_ctl_key_revoke;

/* stagingctl_work.c */
stg_ctl_fn_t stg_ctl_jobs;
stg_ctl_fn_t stg_ctl_jobs_retry;
stg_ctl_fn_t stg_ctl_gc;
stg_ctl_fn_t stg_ctl_worker;
stg_ctl_fn_t stg_ctl_check;

#endif
