/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_memory.h"

#include "base/ids.h"
#include "base/text.h"
#include "store/part_buffer.h"

#include <apr_strings.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void stg_memory_parts_free(stg_memory_part_t *parts)
{
    while (parts) {
        stg_memory_part_t *next = parts->next;

        free(parts);
        parts = next;
    }
}

/* --- begin ---------------------------------------------------------------- */

/* What was begun before under this key is forgotten, with its parts. */
static int entry_begin_synced(stg_memory_store_t *store, const char *key,
                              const char *parts_id)
{
    stg_memory_entry_t *entry = stg_memory_entry_find_synced(store, key);

    if (!entry || entry->synced.stage != STG_MEMORY_GATHERING)
        return 0;
    stg_memory_parts_free(entry->synced.parts);
    entry->synced.parts = NULL;
    apr_cpystrn(entry->parts_id, parts_id, sizeof(entry->parts_id));
    return 1;
}

stg_error_t *stg_memory_begin_parts(stg_store_t *store,
                                    const stg_object_spec_t *spec,
                                    apr_pool_t *p)
{
    stg_memory_store_t *memory = (stg_memory_store_t *)store;
    const char *parts_id = stg_uuid_create(p);
    stg_memory_entry_t *entry;
    int is_begun;

    STG_TRY(stg_store_key_check(spec->key, p));
    if (spec->on_parts_begun)
        STG_TRY(spec->on_parts_begun(spec->context, parts_id, p));
    apr_thread_mutex_lock(memory->mutex);
    is_begun = entry_begin_synced(memory, spec->key, parts_id);
    apr_thread_mutex_unlock(memory->mutex);
    if (is_begun)
        return STG_OK;
    STG_TRY(stg_memory_entry_create(&entry, memory, spec->key, p));
    apr_thread_mutex_lock(memory->mutex);
    apr_cpystrn(entry->parts_id, parts_id, sizeof(entry->parts_id));
    entry->synced.stage = STG_MEMORY_GATHERING;
    stg_memory_entry_release_synced(entry);
    apr_thread_mutex_unlock(memory->mutex);
    return STG_OK;
}

/* --- one part ------------------------------------------------------------- */

static int copy_bytes(char *bytes, const stg_part_buffer_t *buffer)
{
    apr_off_t size = stg_part_buffer_size(buffer);
    int fd = stg_part_buffer_fd(buffer);
    apr_off_t at = 0;

    if (fd < 0) {
        if (size)
            memcpy(bytes, stg_part_buffer_memory(buffer), (apr_size_t)size);
        return 1;
    }
    while (at < size) {
        ssize_t n = pread(fd, bytes + at, (apr_size_t)(size - at), at);

        if (n <= 0 && errno != EINTR)
            return 0;
        at += n > 0 ? n : 0;
    }
    return 1;
}

/* NULL: no memory for it. */
static stg_memory_part_t *part_make(const stg_stored_part_t *spec,
                                    const stg_part_buffer_t *buffer,
                                    const char *etag)
{
    stg_memory_part_t *made =
        malloc(sizeof(*made) + (apr_size_t)stg_part_buffer_size(buffer));

    if (!made || !copy_bytes(made->bytes, buffer)) {
        free(made);
        return NULL;
    }
    made->part = *spec;
    made->part.size = stg_part_buffer_size(buffer);
    apr_cpystrn(made->etag, etag, sizeof(made->etag));
    return made;
}

/* As S3 does: the last one of a number counts. */
static int part_keep_synced(stg_memory_store_t *store,
                            const stg_unfinished_t *what,
                            stg_memory_part_t *part)
{
    stg_memory_entry_t *entry = stg_memory_entry_find_synced(store, what->key);
    stg_memory_part_t **place, *old;

    if (!entry || entry->synced.stage != STG_MEMORY_GATHERING ||
        !what->parts_id || strcmp(entry->parts_id, what->parts_id) != 0)
        return 0;
    place = &entry->synced.parts;
    while (*place && (*place)->part.number != part->part.number)
        place = &(*place)->next;
    old = *place;
    part->next = old ? old->next : NULL;
    *place = part;
    free(old);
    return 1;
}

stg_error_t *stg_memory_put_part(stg_stored_part_t *part, stg_store_t *store,
                                 const stg_unfinished_t *what,
                                 const stg_part_buffer_t *buffer, apr_pool_t *p)
{
    stg_memory_store_t *memory = (stg_memory_store_t *)store;
    unsigned char md5[STG_PART_MD5_BYTES];
    stg_memory_part_t *made;
    const char *etag;
    int is_kept;

    STG_TRY(stg_store_key_check(what->key, p));
    STG_TRY(stg_part_buffer_md5(md5, buffer, p));
    etag = stg_hex(md5, sizeof(md5), p);
    made = part_make(part, buffer, etag);
    if (!made)
        return stg_raise(p, STG_E_NO_SPACE, "the store is full");
    apr_thread_mutex_lock(memory->mutex);
    is_kept = part_keep_synced(memory, what, made);
    apr_thread_mutex_unlock(memory->mutex);
    if (!is_kept) {
        free(made);
        return stg_raise(p, STG_E_NOT_FOUND, "no such parts");
    }
    part->etag = etag;
    return STG_OK;
}

/* --- finish --------------------------------------------------------------- */

/* The part that was put under this number, unless it has changed. */
static const stg_memory_part_t *
part_find_synced(const stg_memory_entry_t *entry,
                 const stg_stored_part_t *wanted)
{
    for (const stg_memory_part_t *part = entry->synced.parts; part;
         part = part->next) {
        if (part->part.number == wanted->number)
            return part->part.size == wanted->size && wanted->etag &&
                           strcmp(part->etag, wanted->etag) == 0
                       ? part
                       : NULL;
    }
    return NULL;
}

static const char *join_synced(stg_memory_entry_t *entry,
                               const stg_unfinished_t *what)
{
    char *bytes;

    if (!what->parts)
        return "nobody says of which parts the object is";
    bytes = malloc((apr_size_t)what->size);
    if (!bytes)
        return "no memory for the object";

    for (int i = 0; i < what->part_count; i++) {
        const stg_memory_part_t *part =
            part_find_synced(entry, &what->parts[i]);

        if (!part) {
            free(bytes);
            return "a part is not what was sent";
        }
        memcpy(bytes + what->parts[i].first, part->bytes,
               (apr_size_t)part->part.size);
    }
    entry->bytes = bytes;
    entry->size = (apr_size_t)what->size;
    stg_memory_parts_free(entry->synced.parts);
    entry->synced.parts = NULL;
    entry->synced.stage = STG_MEMORY_STORED;
    return NULL;
}

/* *refusal says why it is not finished, if it is there. */
static int finish_synced(const char **refusal, stg_memory_store_t *store,
                         const stg_unfinished_t *what)
{
    stg_memory_entry_t *entry = stg_memory_entry_find_synced(store, what->key);
    stg_memory_stage_t stage =
        entry ? entry->synced.stage : STG_MEMORY_RECEIVING;

    *refusal = NULL;
    if (stage != STG_MEMORY_STORED &&
        (stage == STG_MEMORY_RECEIVING || !what->parts_id ||
         strcmp(entry->parts_id, what->parts_id) != 0))
        return 0;
    if (stage == STG_MEMORY_GATHERING) {
        *refusal = join_synced(entry, what);
        return 1;
    }
    if ((apr_off_t)entry->size == what->size)
        entry->synced.stage = STG_MEMORY_STORED;
    else
        *refusal = "the stored object has another size";
    return 1;
}

stg_error_t *stg_memory_finish(stg_store_t *store, const stg_unfinished_t *what,
                               apr_pool_t *p)
{
    stg_memory_store_t *memory = (stg_memory_store_t *)store;
    const char *refusal;
    int is_there;

    STG_TRY(stg_store_key_check(what->key, p));
    STG_TRY(stg_store_parts_check(store, what, p));
    apr_thread_mutex_lock(memory->mutex);
    is_there = finish_synced(&refusal, memory, what);
    apr_thread_mutex_unlock(memory->mutex);
    if (!is_there)
        return stg_raise(p, STG_E_NOT_FOUND, "no such object");
    if (refusal)
        return stg_raise(p, STG_E_STORE_FAILED, "%s", refusal);
    return STG_OK;
}
