/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STORE_STORE_FILE_H
#define STG_STORE_STORE_FILE_H

#include "store/store.h"

/*
 * Inside of the file driver only: where things are under its directory,
 *     DIR/objects/ab/<id>   objects
 *     DIR/tmp/<id>          what is still being received
 *     DIR/tmp/<id>.parts/   what comes over many requests: a file for each
 *                           segment, in which parts are at their offsets
 * and what the system's errors mean. Everything goes by path and nothing is
 * held open, so that a volume mounted anew is found again.
 */

/* The options and the directory of "file:///dir". */
typedef struct stg_file_store_t {
    stg_store_t store;
    const char *dir;
    apr_off_t reserve; /* bytes of the file system to leave free */
} stg_file_store_t;

enum { STG_FILE_FANS = 256 };

#define STG_FILE_PARTS_SUFFIX ".parts"

/* The number of the directory that key's object is in, from its two digits.
 * Here and below key is known to be ours. */
int stg_file_fan(const char *key);

const char *stg_file_object_path(const stg_file_store_t *store, const char *key,
                                 apr_pool_t *p);
const char *stg_file_temp_path(const stg_file_store_t *store, const char *key,
                               apr_pool_t *p);
const char *stg_file_parts_dir(const stg_file_store_t *store, const char *key,
                               apr_pool_t *p);
const char *stg_file_object_dir(const stg_file_store_t *store, int fan,
                                apr_pool_t *p);
const char *stg_file_temp_dir(const stg_file_store_t *store, apr_pool_t *p);

/* Make what is missing, for the owner only, and durable. If the superuser
 * does it, the new directories go to the owner of the store. */
stg_error_t *stg_file_make_dirs(const stg_file_store_t *store, apr_pool_t *p);

/* Make what was done to the entries of a directory durable. */
stg_error_t *stg_file_sync_dir(const char *path, apr_pool_t *p);

/* Bytes that the file system has for us. */
stg_error_t *stg_file_space(apr_off_t *available, const stg_file_store_t *store,
                            apr_pool_t *p);

/* Refuse what cannot fit while that costs nothing: a disk that it has filled
 * takes what others send at the same time along. NO_SPACE. */
stg_error_t *stg_file_admit(const stg_file_store_t *store, apr_off_t bytes,
                            apr_pool_t *p);

/* An error of the system as one of ours: NO_SPACE, STORE_DOWN if a part of
 * the path is gone, else STORE_FAILED. what is for the log. */
stg_error_t *stg_file_error(int error, const char *what, apr_pool_t *p)
    __attribute__((returns_nonnull));

/* Bytes where they belong in a file; the disk is kept busy, and not run ahead
 * of. */
stg_error_t *stg_file_write(int fd, const char *bytes, apr_off_t count,
                            apr_off_t at, apr_pool_t *p);
stg_error_t *stg_file_copy(int to, apr_off_t at, int from, apr_off_t first,
                           apr_off_t count, apr_pool_t *p);

/* store_file_sink.c, store_file_parts.c and store_file_list.c, for the
 * driver's table. */
stg_error_t *stg_file_create(stg_sink_t **object, stg_store_t *store,
                             const stg_object_spec_t *spec, apr_pool_t *p);
stg_error_t *stg_file_begin_parts(stg_store_t *store,
                                  const stg_object_spec_t *spec, apr_pool_t *p);
stg_error_t *stg_file_put_part(stg_stored_part_t *part, stg_store_t *store,
                               const stg_unfinished_t *what,
                               const struct stg_part_buffer_t *buffer,
                               apr_pool_t *p);
stg_error_t *stg_file_sync_parts(stg_store_t *store,
                                 const stg_unfinished_t *what, int segment,
                                 apr_pool_t *p);
stg_error_t *stg_file_finish(stg_store_t *store, const stg_unfinished_t *what,
                             apr_pool_t *p);
stg_error_t *stg_file_remove(stg_store_t *store, const stg_unfinished_t *what,
                             int count, apr_pool_t *p);
stg_error_t *stg_file_list(stg_store_t *store, stg_found_fn_t *fn,
                           void *context, apr_pool_t *p);

/* Never over another object: keys are not used twice. NOT_FOUND if path is
 * not there any more. */
stg_error_t *stg_file_publish(const stg_file_store_t *store, const char *path,
                              const char *key, apr_pool_t *p);

/* The folder of parts with all that is in it. */
stg_error_t *stg_file_remove_parts(const stg_file_store_t *store,
                                   const char *key, apr_pool_t *p);

#endif
