/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_file.h"

#include <apr_strings.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

const char *stg_file_object_path(const stg_file_store_t *store, const char *key,
                                 apr_pool_t *p)
{
    return apr_pstrcat(p, store->dir, "/objects/", key, NULL);
}

const char *stg_file_temp_path(const stg_file_store_t *store, const char *key,
                               apr_pool_t *p)
{
    return apr_pstrcat(p, store->dir, "/tmp/", stg_store_key_id(key, p), NULL);
}

const char *stg_file_parts_dir(const stg_file_store_t *store, const char *key,
                               apr_pool_t *p)
{
    return apr_pstrcat(p, stg_file_temp_path(store, key, p),
                       STG_FILE_PARTS_SUFFIX, NULL);
}

const char *stg_file_object_dir(const stg_file_store_t *store, int fan,
                                apr_pool_t *p)
{
    return apr_psprintf(p, "%s/objects/%02x", store->dir, fan);
}

const char *stg_file_temp_dir(const stg_file_store_t *store, apr_pool_t *p)
{
    return apr_pstrcat(p, store->dir, "/tmp", NULL);
}

int stg_file_fan(const char *key)
{
    const char digits[] = {key[0], key[1], '\0'};

    return (int)apr_strtoi64(digits, NULL, 16);
}

stg_error_t *stg_file_error(int error, const char *what, apr_pool_t *p)
{
    stg_error_t *err;

    switch (error) {
    case ENOSPC:
    case EDQUOT:
        err = stg_raise(p, STG_E_NO_SPACE, "the store is full");
        break;
    case ENOENT:
    case ENOTCONN:
    case ESTALE:
    case ETIMEDOUT:
        err = stg_raise(p, STG_E_STORE_DOWN, "the store is not there");
        break;
    default:
        err = stg_raise(p, STG_E_STORE_FAILED, "the store failed");
    }
    return stg_because_apr(err, p, APR_FROM_OS_ERROR(error), what);
}

stg_error_t *stg_file_sync_dir(const char *path, apr_pool_t *p)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = 0;

    if (fd < 0)
        return stg_file_error(errno, path, p);
    if (fsync(fd))
        error = errno;
    close(fd);
    return error ? stg_file_error(error, path, p) : STG_OK;
}

stg_error_t *stg_file_space(apr_off_t *available, const stg_file_store_t *store,
                            apr_pool_t *p)
{
    struct statvfs fs;

    if (statvfs(store->dir, &fs))
        return stg_file_error(errno, store->dir, p);
    *available = (apr_off_t)fs.f_bavail * (apr_off_t)fs.f_frsize;
    return STG_OK;
}

stg_error_t *stg_file_admit(const stg_file_store_t *store, apr_off_t bytes,
                            apr_pool_t *p)
{
    apr_off_t available;

    STG_TRY(stg_file_space(&available, store, p));
    if (available < store->reserve || available - store->reserve < bytes)
        return stg_raise(p, STG_E_NO_SPACE, "the store is full");
    return STG_OK;
}

static stg_error_t *make_dir(const stg_file_store_t *store, const char *path,
                             apr_pool_t *p)
{
    struct stat owner;

    if (mkdir(path, 0700))
        return errno == EEXIST ? STG_OK : stg_file_error(errno, path, p);
    if (geteuid() == 0 && !stat(store->dir, &owner) &&
        chown(path, owner.st_uid, owner.st_gid))
        return stg_file_error(errno, path, p);
    return STG_OK;
}

/* One that we may not read is its owner's, and so is what is in there. */
static stg_error_t *sync_parent(const stg_file_store_t *store, apr_pool_t *p)
{
    const char *parent = apr_pstrcat(p, store->dir, "/..", NULL);

    if (faccessat(AT_FDCWD, parent, R_OK, AT_EACCESS) && errno == EACCES)
        return STG_OK;
    return stg_file_sync_dir(parent, p);
}

/* Directories are made durable even if all were there: whoever made them may
 * have died before it came to that. */
stg_error_t *stg_file_make_dirs(const stg_file_store_t *store, apr_pool_t *p)
{
    const char *objects = apr_pstrcat(p, store->dir, "/objects", NULL);

    STG_TRY(make_dir(store, store->dir, p));
    STG_TRY(make_dir(store, stg_file_temp_dir(store, p), p));
    STG_TRY(make_dir(store, objects, p));
    for (int fan = 0; fan < STG_FILE_FANS; fan++)
        STG_TRY(make_dir(store, stg_file_object_dir(store, fan, p), p));
    STG_TRY(stg_file_sync_dir(objects, p));
    STG_TRY(stg_file_sync_dir(store->dir, p));
    return sync_parent(store, p);
}

/* Not every file system can rename so; link() refuses everywhere. */
stg_error_t *stg_file_publish(const stg_file_store_t *store, const char *path,
                              const char *key, apr_pool_t *p)
{
    const char *object = stg_file_object_path(store, key, p);
    int error;

    if (!renameat2(AT_FDCWD, path, AT_FDCWD, object, RENAME_NOREPLACE))
        return STG_OK;
    error = errno;
    if (error == ENOENT && access(path, F_OK))
        return stg_raise(p, STG_E_NOT_FOUND, "no such object");
    if (error != EINVAL && error != ENOSYS)
        return stg_file_error(error, object, p);
    if (link(path, object) || unlink(path))
        return stg_file_error(errno, object, p);
    return STG_OK;
}
