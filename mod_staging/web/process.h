/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_WEB_PROCESS_H
#define STG_WEB_PROCESS_H

#include "core/staging.h"
#include "web/policy.h"

/*
 * What the handlers of one child process share: made in child_init
 * (lifecycle.c), read-only afterwards but for what locks itself.
 */
typedef struct stg_process_t {
    stg_staging_t staging;
    const stg_settings_t *settings;
    struct stg_issuers_t *issuers;         /* auth/jwt.h */
    struct stg_iam_t *iam;                 /* auth/iam.h, NULL if none */
    struct stg_api_keys_t *api_keys;       /* accounts/api_key.h */
    struct stg_password_gate_t *passwords; /* auth/password.h */
    const char *ticket_secret;             /* NULL if none is configured */
    struct stg_drain_t *drain;    /* of what would have to begin anew */
    struct stg_drain_t *handover; /* of what others can go on with: at once */
} stg_process_t;

/* The settings of the server, and the process; NULL before child_init. */
stg_settings_t *stg_settings(void);
stg_process_t *stg_process(void);

#endif
