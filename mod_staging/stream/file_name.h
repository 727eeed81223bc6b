/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STREAM_FILE_NAME_H
#define STG_STREAM_FILE_NAME_H

#include <apr_pools.h>

/*
 * Names of files as clients give them, made fit to be shown and to be offered
 * with a download. They are data, never keys or paths of ours. Texts are
 * UTF-8; names are normalized (NFC), so that one name has one spelling, whether
 * it comes from macOS, which takes letters apart, or from elsewhere.
 */

enum { STG_FILE_NAME_MOST = 255 }; /* bytes */

/* What stands behind the last slash or backslash, without control characters
 * and marks that change the direction of what is shown, without dots and
 * spaces around it, cut at a character. NULL if nothing is left. */
const char *stg_file_name(const char *text, apr_pool_t *p);

/* The same of each component of a relative path, with slashes between. NULL
 * if there is none, also if it is absolute, begins with a drive letter, or has
 * a component of which nothing is left, ".." before all. */
const char *stg_file_path(const char *text, apr_pool_t *p);

#endif
