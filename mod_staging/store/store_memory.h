/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STORE_STORE_MEMORY_H
#define STG_STORE_STORE_MEMORY_H

#include "store/store.h"

#include <apr_hash.h>
#include <apr_thread_mutex.h>
#include <apr_uuid.h>

/*
 * Inside of the memory driver only: store_memory.c, and
 * store_memory_parts.c for objects that come in parts.
 */

typedef enum stg_memory_stage_t {
    STG_MEMORY_RECEIVING,
    STG_MEMORY_PARTS,     /* closed, to be finished */
    STG_MEMORY_GATHERING, /* in parts, over many requests */
    STG_MEMORY_STORED
} stg_memory_stage_t;

typedef struct stg_memory_part_t {
    stg_stored_part_t part;
    char etag[33];
    struct stg_memory_part_t *next;
    char bytes[];
} stg_memory_part_t;

/* Counted by the store that lists it, the sink that fills it and whoever
 * reads it. Until it is stored only its sink touches the bytes; afterwards
 * they do not change. */
typedef struct stg_memory_entry_t {
    const char *key;
    char parts_id[APR_UUID_FORMATTED_LENGTH + 1]; /* "" unless in parts */
    char *bytes;
    apr_size_t size;
    apr_size_t capacity;
    apr_time_t modified;
    struct {
        stg_memory_stage_t stage;
        int references;
        stg_memory_part_t *parts;
    } synced;
} stg_memory_entry_t;

typedef struct stg_memory_store_t {
    stg_store_t store;
    apr_off_t part_size; /* 0: no parts */
    apr_thread_mutex_t *mutex;
    apr_pool_t *pool; /* of the hash and the mutex */
    struct {
        apr_hash_t *entries;
    } synced;
} stg_memory_store_t;

/* A new entry that the caller holds, and the store lists; STORE_FAILED if
 * there is one of this key. */
stg_error_t *stg_memory_entry_create(stg_memory_entry_t **entry,
                                     stg_memory_store_t *store, const char *key,
                                     apr_pool_t *p);
stg_memory_entry_t *stg_memory_entry_find_synced(stg_memory_store_t *store,
                                                 const char *key);
void stg_memory_entry_release_synced(stg_memory_entry_t *entry);

/* store_memory_parts.c, for the driver's table, and the others. */
stg_error_t *stg_memory_begin_parts(stg_store_t *store,
                                    const stg_object_spec_t *spec,
                                    apr_pool_t *p);
stg_error_t *stg_memory_put_part(stg_stored_part_t *part, stg_store_t *store,
                                 const stg_unfinished_t *what,
                                 const struct stg_part_buffer_t *buffer,
                                 apr_pool_t *p);
stg_error_t *stg_memory_finish(stg_store_t *store, const stg_unfinished_t *what,
                               apr_pool_t *p);
void stg_memory_parts_free(stg_memory_part_t *parts);

#endif
