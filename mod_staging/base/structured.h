/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_BASE_STRUCTURED_H
#define STG_BASE_STRUCTURED_H

#include <apr.h>

/*
 * Structured fields (RFC 9651) of one item. A field that is not of the type
 * that it should be counts as absent (1.1), hence no errors here: each
 * function tells whether the value is there. value may be NULL, which is
 * absent; parameters must be well-formed and are ignored. Several field lines
 * have to be joined by commas before, and are absent then, too.
 */

/* An Integer that is not negative: an offset, a length, a version. */
int stg_structured_size(apr_off_t *size, const char *value);

/* A Boolean. */
int stg_structured_boolean(int *is_true, const char *value);

#endif
