/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_WEB_POLICY_H
#define STG_WEB_POLICY_H

#include "stream/digest.h"

#include <apr_tables.h>

/*
 * The configuration as plain fields, made from directives.h. A policy belongs
 * to a location, the server's settings to the whole process. Read-only after
 * configuration.
 */

typedef const char *stg_conf_TEXT;
typedef const char *stg_conf_WORDS;  /* separated by single spaces */
typedef apr_off_t stg_conf_SIZE;     /* bytes */
typedef apr_off_t stg_conf_DURATION; /* seconds */
typedef apr_off_t stg_conf_PERIOD;   /* seconds; 0: off */
typedef int stg_conf_FLAG;
typedef int stg_conf_COUNT;
typedef stg_algorithm_set_t stg_conf_DIGESTS;
typedef const char *stg_conf_ORIGINS;      /* separated by single spaces */
typedef apr_uint32_t stg_conf_VERSIONS;    /* bit n: version n, from 1 to 31 */
typedef apr_array_header_t *stg_conf_LIST; /* of stg_words_t */

/* The words of one directive of a list. */
typedef struct stg_words_t {
    const char *const *words;
    int count;
} stg_words_t;

typedef struct stg_policy_t {
    const char *mount; /* path of the <Location> that sets our handler */
#define STG_POLICY(TYPE, name, field, value, help)                             \
    stg_conf_##TYPE field;                                                     \
    int field##_is_set;
#include "web/directives.h"
#undef STG_POLICY
} stg_policy_t;

typedef struct stg_settings_t {
#define STG_SERVER(TYPE, name, field, value, help)                             \
    stg_conf_##TYPE field;                                                     \
    int field##_is_set;
#include "web/directives.h"
#undef STG_SERVER
    apr_array_header_t *mounts; /* of stg_mount_t */

    /* made in post_config, as root, for all children */
    int dbd_max;             /* mod_dbd's DBDMax */
    const char *secret;      /* that signs downloads */
    void *metrics_memory;    /* shared */
    apr_uint32_t *is_probed; /* shared: the stores, by the first child */

    struct stg_process_t *process; /* made in child_init */
} stg_settings_t;

#endif
