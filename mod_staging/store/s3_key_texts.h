/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STORE_S3_KEY_TEXTS_H
#define STG_STORE_S3_KEY_TEXTS_H

#include "store/s3_credentials.h"

/*
 * The texts that keys are written in. Pure. For s3_key_sources.c, which gets
 * the texts. What a text does not have is left as it was in keys.
 */

/* Two lines, or one with a colon; text is cut in pieces, of which keys are
 * made. */
stg_error_t *stg_s3_keys_of_lines(stg_s3_keys_t *keys, char *text,
                                  apr_pool_t *p);

/* A profile of the file that AWS's tools share; the same holds for text. */
void stg_s3_keys_of_profile(stg_s3_keys_t *keys, char *text,
                            const char *profile);

/* The answer of a metadata service. */
stg_error_t *stg_s3_keys_of_json(stg_s3_keys_t *keys, const char *text,
                                 apr_pool_t *p);

/* text without white space at its ends, in place. */
char *stg_s3_trim(char *text);

/* The error of them all. What went wrong is for the log: it names files and
 * addresses. */
stg_error_t *stg_s3_no_keys(const char *why, apr_pool_t *p);

#endif
