/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference driver. With the option part_size=SIZE objects beyond that
 * size behave as S3's do: close() leaves parts that finish() completes.
 */
#include "store/store_memory.h"

#include "base/clock.h"
#include "base/ids.h"
#include "base/text.h"

#include <apr_strings.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_CAPACITY = 64 * 1024,
    USUAL_PART = 8 * 1024 * 1024,
    MOST_PARTS = 10000,
    PARALLEL = 2
};

typedef struct memory_object_t {
    stg_sink_t sink;
    stg_memory_store_t *store;
    stg_memory_entry_t *entry;
    stg_object_spec_t spec;
} memory_object_t;

void stg_memory_entry_release_synced(stg_memory_entry_t *entry)
{
    if (--entry->synced.references)
        return;
    free((char *)entry->key);
    free(entry->bytes);
    stg_memory_parts_free(entry->synced.parts);
    free(entry);
}

static void entry_release(stg_memory_store_t *store, stg_memory_entry_t *entry)
{
    apr_thread_mutex_lock(store->mutex);
    stg_memory_entry_release_synced(entry);
    apr_thread_mutex_unlock(store->mutex);
}

stg_memory_entry_t *stg_memory_entry_find_synced(stg_memory_store_t *store,
                                                 const char *key)
{
    return apr_hash_get(store->synced.entries, key, APR_HASH_KEY_STRING);
}

static void entry_remove_synced(stg_memory_store_t *store,
                                stg_memory_entry_t *entry)
{
    apr_hash_set(store->synced.entries, entry->key, APR_HASH_KEY_STRING, NULL);
    stg_memory_entry_release_synced(entry);
}

/* The stored object under key, to be released; fails with NOT_FOUND. */
static stg_error_t *entry_open(stg_memory_entry_t **entry,
                               stg_memory_store_t *store, const char *key,
                               apr_pool_t *p)
{
    stg_memory_entry_t *found;

    STG_TRY(stg_store_key_check(key, p));
    apr_thread_mutex_lock(store->mutex);
    found = stg_memory_entry_find_synced(store, key);
    if (found && found->synced.stage != STG_MEMORY_STORED)
        found = NULL;
    if (found)
        found->synced.references++;
    apr_thread_mutex_unlock(store->mutex);
    if (!found)
        return stg_raise(p, STG_E_NOT_FOUND, "no such object");
    *entry = found;
    return STG_OK;
}

/* --- sink --------------------------------------------------------------- */

static stg_error_t *begin_parts(memory_object_t *object)
{
    apr_pool_t *p = object->sink.pool;
    const char *parts_id = stg_uuid_create(p);

    if (object->spec.on_parts_begun)
        STG_TRY(object->spec.on_parts_begun(object->spec.context, parts_id, p));
    apr_thread_mutex_lock(object->store->mutex);
    apr_cpystrn(object->entry->parts_id, parts_id,
                sizeof(object->entry->parts_id));
    apr_thread_mutex_unlock(object->store->mutex);
    return STG_OK;
}

static stg_error_t *object_write(stg_sink_t *sink, const char *bytes,
                                 apr_size_t count)
{
    memory_object_t *object = (memory_object_t *)sink;
    stg_memory_entry_t *entry = object->entry;
    apr_off_t part_size = object->store->part_size;
    apr_size_t capacity = entry->capacity ? entry->capacity : FIRST_CAPACITY;

    while (capacity < entry->size + count)
        capacity *= 2;
    if (capacity != entry->capacity) {
        char *grown = realloc(entry->bytes, capacity);

        if (!grown)
            return stg_raise(sink->pool, STG_E_NO_SPACE, "the store is full");
        entry->bytes = grown;
        entry->capacity = capacity;
    }
    if (count)
        memcpy(entry->bytes + entry->size, bytes, count);
    entry->size += count;
    if (part_size && !*entry->parts_id && (apr_off_t)entry->size > part_size)
        return begin_parts(object);
    return STG_OK;
}

static apr_status_t object_cleanup(void *data)
{
    memory_object_t *object = data;
    stg_memory_store_t *store = object->store;

    apr_thread_mutex_lock(store->mutex);
    if (object->entry->synced.stage == STG_MEMORY_RECEIVING &&
        stg_memory_entry_find_synced(store, object->entry->key) ==
            object->entry) {
        assert(object->entry->synced.references > 1); /* the store's, ours */
        entry_remove_synced(store, object->entry);
    }
    stg_memory_entry_release_synced(object->entry);
    apr_thread_mutex_unlock(store->mutex);
    return APR_SUCCESS;
}

static stg_error_t *object_close(stg_sink_t *sink)
{
    memory_object_t *object = (memory_object_t *)sink;
    stg_memory_entry_t *entry = object->entry;
    apr_off_t size = (apr_off_t)entry->size;
    stg_memory_stage_t stage =
        *entry->parts_id ? STG_MEMORY_PARTS : STG_MEMORY_STORED;
    int is_there;

    if (object->spec.size >= 0 && object->spec.size != size)
        return stg_raise(sink->pool, STG_E_STORE_FAILED,
                         "the object is not as long as was announced");
    apr_thread_mutex_lock(object->store->mutex);
    is_there = stg_memory_entry_find_synced(object->store, entry->key) == entry;
    if (is_there) {
        entry->modified = stg_clock_now();
        entry->synced.stage = stage;
    }
    apr_thread_mutex_unlock(object->store->mutex);
    if (!is_there)
        return stg_raise(sink->pool, STG_E_STORE_FAILED,
                         "the object was removed while it was received");
    *object->spec.receipt = (stg_receipt_t){
        .size = size, .is_finished = stage == STG_MEMORY_STORED};
    return STG_OK;
}

static const stg_sink_class_t object_class = {object_write, object_close};

static stg_memory_entry_t *entry_make(const char *key)
{
    stg_memory_entry_t *entry = calloc(1, sizeof(*entry));

    if (entry)
        entry->key = strdup(key);
    if (entry && entry->key)
        return entry;
    free(entry);
    return NULL;
}

stg_error_t *stg_memory_entry_create(stg_memory_entry_t **entry,
                                     stg_memory_store_t *store, const char *key,
                                     apr_pool_t *p)
{
    stg_memory_entry_t *made;
    int is_taken;

    STG_TRY(stg_store_key_check(key, p));
    made = entry_make(key);
    if (!made)
        return stg_raise(p, STG_E_NO_SPACE, "the store is full");
    made->modified = stg_clock_now();
    apr_thread_mutex_lock(store->mutex);
    made->synced.references = 1;
    is_taken = stg_memory_entry_find_synced(store, key) != NULL;
    if (is_taken) {
        stg_memory_entry_release_synced(made);
    } else {
        made->synced.references++;
        apr_hash_set(store->synced.entries, made->key, APR_HASH_KEY_STRING,
                     made);
    }
    apr_thread_mutex_unlock(store->mutex);
    if (is_taken)
        return stg_raise(p, STG_E_STORE_FAILED, "the object is there already");
    *entry = made;
    return STG_OK;
}

static stg_error_t *memory_create(stg_sink_t **sink, stg_store_t *store,
                                  const stg_object_spec_t *spec, apr_pool_t *p)
{
    memory_object_t *object = apr_pcalloc(p, sizeof(*object));

    *object = (memory_object_t){.sink = {&object_class, p},
                                .store = (stg_memory_store_t *)store,
                                .spec = *spec};
    STG_TRY(
        stg_memory_entry_create(&object->entry, object->store, spec->key, p));
    apr_pool_cleanup_register(p, object, object_cleanup, apr_pool_cleanup_null);
    *sink = &object->sink;
    return STG_OK;
}

/* --- the other operations ----------------------------------------------- */

static stg_error_t *memory_head(stg_found_t *found, stg_store_t *store,
                                const char *key, apr_pool_t *p)
{
    stg_memory_entry_t *entry;

    STG_TRY(entry_open(&entry, (stg_memory_store_t *)store, key, p));
    *found = (stg_found_t){.key = apr_pstrdup(p, key),
                           .size = (apr_off_t)entry->size,
                           .modified = entry->modified};
    entry_release((stg_memory_store_t *)store, entry);
    return STG_OK;
}

static stg_error_t *memory_read(stg_store_t *store, const char *key,
                                apr_off_t first, apr_off_t count,
                                stg_sink_t *sink, apr_pool_t *p)
{
    stg_error_t *err = STG_OK;
    apr_off_t size;
    stg_memory_entry_t *entry;

    STG_TRY(entry_open(&entry, (stg_memory_store_t *)store, key, p));
    size = (apr_off_t)entry->size;
    if (first > size || count > size - first)
        err = stg_raise(p, STG_E_STORE_FAILED,
                        "the stored object is shorter than it should be");
    else
        err = stg_sink_write(sink, entry->bytes + first,
                             (apr_size_t)(count < 0 ? size - first : count));
    entry_release((stg_memory_store_t *)store, entry);
    return err;
}

static stg_error_t *memory_open_file(apr_file_t **file, stg_store_t *store,
                                     const char *key, apr_pool_t *p)
{
    stg_found_t found;

    STG_TRY(memory_head(&found, store, key, p));
    *file = NULL;
    return STG_OK;
}

static stg_error_t *memory_presign(const char **url, stg_store_t *store,
                                   const stg_presign_t *what, apr_pool_t *p)
{
    (void)store;
    STG_TRY(stg_store_key_check(what->key, p));
    *url = NULL;
    return STG_OK;
}

static stg_error_t *memory_remove(stg_store_t *store,
                                  const stg_unfinished_t *what, int count,
                                  apr_pool_t *p)
{
    stg_memory_store_t *memory = (stg_memory_store_t *)store;

    for (int i = 0; i < count; i++) {
        stg_memory_entry_t *entry;

        STG_TRY(stg_store_key_check(what[i].key, p));
        apr_thread_mutex_lock(memory->mutex);
        entry = stg_memory_entry_find_synced(memory, what[i].key);
        if (entry && !(what[i].is_object_kept &&
                       entry->synced.stage == STG_MEMORY_STORED))
            entry_remove_synced(memory, entry);
        apr_thread_mutex_unlock(memory->mutex);
    }
    return STG_OK;
}

/* The list is copied first, so that fn may call the store: memory here is
 * as large as the store anyway. */
static apr_array_header_t *found_copy(stg_memory_store_t *memory,
                                      int is_temporary, apr_pool_t *p)
{
    apr_array_header_t *list = apr_array_make(p, 16, sizeof(stg_found_t));

    apr_thread_mutex_lock(memory->mutex);
    for (apr_hash_index_t *i = apr_hash_first(p, memory->synced.entries); i;
         i = apr_hash_next(i)) {
        stg_memory_entry_t *entry = apr_hash_this_val(i);

        if ((entry->synced.stage != STG_MEMORY_STORED) != is_temporary)
            continue;
        APR_ARRAY_PUSH(list, stg_found_t) =
            (stg_found_t){.key = apr_pstrdup(p, entry->key),
                          .parts_id = is_temporary && *entry->parts_id
                                          ? apr_pstrdup(p, entry->parts_id)
                                          : NULL,
                          .size = is_temporary ? -1 : (apr_off_t)entry->size,
                          .modified = entry->modified,
                          .is_temporary = is_temporary};
    }
    apr_thread_mutex_unlock(memory->mutex);
    return list;
}

static stg_error_t *memory_list(stg_store_t *store, stg_found_fn_t *fn,
                                void *context, apr_pool_t *p)
{
    for (int is_temporary = 0; is_temporary < 2; is_temporary++) {
        apr_array_header_t *list =
            found_copy((stg_memory_store_t *)store, is_temporary, p);

        for (int i = 0; i < list->nelts; i++)
            STG_TRY(fn(context, &APR_ARRAY_IDX(list, i, stg_found_t), p));
    }
    return STG_OK;
}

static stg_error_t *memory_prepare(stg_store_t *store, apr_pool_t *p)
{
    (void)store;
    (void)p;
    return STG_OK;
}

static stg_error_t *memory_probe(const char **summary, stg_store_t *store,
                                 const char *key, apr_pool_t *p)
{
    (void)store;
    (void)key;
    *summary = apr_pstrdup(p, "memory, lost when the process ends");
    return STG_OK;
}

static stg_error_t *memory_ping(stg_store_t *store, apr_pool_t *p)
{
    (void)store;
    (void)p;
    return STG_OK;
}

static apr_status_t store_cleanup(void *data)
{
    stg_memory_store_t *memory = data;

    for (apr_hash_index_t *i = apr_hash_first(NULL, memory->synced.entries); i;
         i = apr_hash_next(i))
        stg_memory_entry_release_synced(apr_hash_this_val(i));
    apr_pool_destroy(memory->pool);
    return APR_SUCCESS;
}

static stg_error_t *memory_open(stg_store_t **store,
                                const stg_store_config_t *config, apr_pool_t *p)
{
    static const char *const known[] = {"part_size", NULL};
    const char *part_size = apr_table_get(config->options, "part_size");
    stg_memory_store_t *memory = apr_pcalloc(p, sizeof(*memory));

    STG_TRY(stg_store_options_check(config, known, p));
    if (strcmp(config->url, "memory:"))
        return stg_raise(p, STG_E_INVALID,
                         "the URL of a memory store is just memory:");
    if (part_size && !stg_parse_size(part_size, &memory->part_size))
        return stg_raise(p, STG_E_INVALID, "part_size=%s is not a size",
                         part_size);
    memory->store = (stg_store_t){
        .driver = &stg_store_memory_driver,
        .name = apr_pstrdup(p, config->name),
        .part_size = memory->part_size ? memory->part_size : USUAL_PART,
        .least_part = memory->part_size,
        .most_parts = memory->part_size ? MOST_PARTS : 0,
        .parallel = PARALLEL};
    /* A pool without a parent: the hash allocates, under our lock, and sinks
     * in p must still find the mutex when p ends. */
    apr_pool_create(&memory->pool, NULL);
    memory->synced.entries = apr_hash_make(memory->pool);
    apr_thread_mutex_create(&memory->mutex, APR_THREAD_MUTEX_DEFAULT,
                            memory->pool);
    apr_pool_cleanup_register(p, memory, store_cleanup, apr_pool_cleanup_null);
    *store = &memory->store;
    return STG_OK;
}

const stg_store_driver_t stg_store_memory_driver = {
    .scheme = "memory",
    .open = memory_open,
    .prepare = memory_prepare,
    .probe = memory_probe,
    .ping = memory_ping,
    .is_down = stg_store_is_never_down,
    .stoppable = stg_store_as_it_is,
    .create = memory_create,
    .begin_parts = stg_memory_begin_parts,
    .put_part = stg_memory_put_part,
    .sync_parts = stg_store_parts_are_durable,
    .finish = stg_memory_finish,
    .head = memory_head,
    .read = memory_read,
    .open_file = memory_open_file,
    .presign = memory_presign,
    .remove = memory_remove,
    .list = memory_list,
};
