/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_BASE_QUERY_H
#define STG_BASE_QUERY_H

#include "base/error.h"

/* Query strings (application/x-www-form-urlencoded). */

typedef struct stg_parameter_t {
    const char *name;  /* decoded */
    const char *value; /* decoded; "" if there was none */
} stg_parameter_t;

enum { STG_QUERY_MAX_PARAMETERS = 64 };

/* All parameters in order, repeated ones too. Fails with INVALID if the
 * query is malformed, is not UTF-8 or has too many. query may be NULL. */
stg_error_t *stg_query_parse(apr_array_header_t **parameters, const char *query,
                             apr_pool_t *p);

/* The only value of name; NULL if absent. Fails with INVALID if repeated. */
stg_error_t *stg_query_single(const char **value,
                              const apr_array_header_t *parameters,
                              const char *name, apr_pool_t *p);

#endif
