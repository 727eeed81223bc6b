/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STREAM_FIELD_H
#define STG_STREAM_FIELD_H

#include "base/error.h"

/*
 * The pieces of which header fields are made (RFC 9110, 5.6): a reader walks
 * over a NUL-terminated value. Each function that returns true has moved the
 * reader behind what it read; otherwise the reader has not moved.
 */

/* One of the characters of a token (RFC 9110, 5.6.2)? */
int stg_field_is_token_char(char c);

void stg_field_skip_space(const char **at);
int stg_field_skip(const char **at, char c);

/* NULL if there is no token. */
const char *stg_field_token(const char **at, apr_pool_t *p);
const char *stg_field_lower_token(const char **at, apr_pool_t *p);

/* A quoted string without its quotes, NULL if there is none or it has no
 * end. A backslash escapes a quote or a backslash and else is itself. */
const char *stg_field_quoted(const char **at, apr_pool_t *p);

/* ";" name "=" value with optional space; a name without value is an error.
 * *name is NULL at the end. The name comes in lower case. */
int stg_field_parameter(const char **name, const char **value, const char **at,
                        apr_pool_t *p);

#endif
