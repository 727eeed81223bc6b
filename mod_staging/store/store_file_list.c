/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_file.h"

#include "base/crash.h"

#include <apr_strings.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REMOVALS = 5 };

typedef struct listing_t {
    stg_found_fn_t *fn;
    void *context;
    int is_temporary;
    apr_pool_t *turn; /* cleared after each thing found */
} listing_t;

/* The id of an object, and of what kind it has to be. */
static const char *split_name(mode_t *kind, const listing_t *listing,
                              const char *name)
{
    apr_size_t suffix = strlen(STG_FILE_PARTS_SUFFIX);
    apr_size_t length = strlen(name);

    *kind = S_IFREG;
    if (!listing->is_temporary || length < suffix ||
        strcmp(name + length - suffix, STG_FILE_PARTS_SUFFIX) != 0)
        return name;
    *kind = S_IFDIR;
    return apr_pstrmemdup(listing->turn, name, length - suffix);
}

/* What is not of ours by name and kind (lost+found, .nfs...) is none of our
 * business; what is gone since readdir is not there. */
static stg_error_t *list_one(const listing_t *listing, int dir,
                             const char *name)
{
    mode_t kind;
    const char *id = split_name(&kind, listing, name);
    const char *key = stg_store_key(id, listing->turn);
    stg_found_t found = {.key = key, .is_temporary = listing->is_temporary};
    struct stat st;

    if (!stg_store_key_id(key, listing->turn) ||
        fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) ||
        (st.st_mode & S_IFMT) != kind)
        return STG_OK;
    found.size = listing->is_temporary ? -1 : st.st_size;
    found.parts_id = kind == S_IFDIR ? id : NULL;
    found.modified = apr_time_from_sec(st.st_mtime);
    return listing->fn(listing->context, &found, listing->turn);
}

static stg_error_t *list_dir(const listing_t *listing, const char *path,
                             apr_pool_t *p)
{
    stg_error_t *err = STG_OK;
    struct dirent *entry;
    DIR *dir = opendir(path);

    if (!dir)
        return stg_file_error(errno, path, p);
    while (!err && (errno = 0, entry = readdir(dir))) {
        apr_pool_clear(listing->turn);
        err = list_one(listing, dirfd(dir), entry->d_name);
    }
    if (!err && errno)
        err = stg_file_error(errno, path, p);
    closedir(dir);
    return err;
}

stg_error_t *stg_file_list(stg_store_t *store, stg_found_fn_t *fn,
                           void *context, apr_pool_t *p)
{
    const stg_file_store_t *files = (const stg_file_store_t *)store;
    listing_t listing = {.fn = fn, .context = context};

    apr_pool_create(&listing.turn, p);
    for (int fan = 0; fan < STG_FILE_FANS; fan++)
        STG_TRY(list_dir(&listing, stg_file_object_dir(files, fan, p), p));
    listing.is_temporary = 1;
    STG_TRY(list_dir(&listing, stg_file_temp_dir(files, p), p));
    apr_pool_destroy(listing.turn);
    return STG_OK;
}

static stg_error_t *remove_file(const char *path, apr_pool_t *p)
{
    if (unlink(path) && errno != ENOENT)
        return stg_file_error(errno, path, p);
    return STG_OK;
}

static stg_error_t *empty_dir(DIR *dir, const char *path, apr_pool_t *p)
{
    struct dirent *entry;

    while ((errno = 0, entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            STG_TRY(
                remove_file(apr_pstrcat(p, path, "/", entry->d_name, NULL), p));
    }
    return errno ? stg_file_error(errno, path, p) : STG_OK;
}

/* A part that comes this late may make its file anew: once more, then. */
stg_error_t *stg_file_remove_parts(const stg_file_store_t *store,
                                   const char *key, apr_pool_t *p)
{
    const char *path = stg_file_parts_dir(store, key, p);
    stg_error_t *err;

    for (int i = 0; i < REMOVALS; i++) {
        DIR *dir = opendir(path);

        if (!dir)
            return errno == ENOENT ? STG_OK : stg_file_error(errno, path, p);
        err = empty_dir(dir, path, p);
        closedir(dir);
        STG_TRY(err);
        if (!rmdir(path) || errno == ENOENT)
            return STG_OK;
        if (errno != ENOTEMPTY && errno != EEXIST)
            return stg_file_error(errno, path, p);
    }
    return stg_raise(p, STG_E_STORE_DOWN, "the parts are still in use");
}

/* Directories are made durable even if nothing was left to remove: whoever
 * removed it may have died before it came to that. */
stg_error_t *stg_file_remove(stg_store_t *store, const stg_unfinished_t *what,
                             int count, apr_pool_t *p)
{
    const stg_file_store_t *files = (const stg_file_store_t *)store;
    char is_touched[STG_FILE_FANS] = {0};
    apr_pool_t *turn;

    if (count <= 0)
        return STG_OK;
    apr_pool_create(&turn, p);
    for (int i = 0; i < count; i++) {
        const char *key = what[i].key;

        apr_pool_clear(turn);
        STG_TRY(stg_store_key_check(key, turn));
        STG_CRASH_POINT("file-remove");
        STG_TRY(remove_file(stg_file_temp_path(files, key, turn), turn));
        STG_TRY(stg_file_remove_parts(files, key, turn));
        if (!what[i].is_object_kept)
            STG_TRY(remove_file(stg_file_object_path(files, key, turn), turn));
        STG_CRASH_POINT("file-removed");
        is_touched[stg_file_fan(key)] = 1;
    }
    apr_pool_destroy(turn);
    for (int fan = 0; fan < STG_FILE_FANS; fan++) {
        if (is_touched[fan])
            STG_TRY(stg_file_sync_dir(stg_file_object_dir(files, fan, p), p));
    }
    STG_TRY(stg_file_sync_dir(stg_file_temp_dir(files, p), p));
    STG_CRASH_POINT("file-removal-synced");
    return STG_OK;
}
