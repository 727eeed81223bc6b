/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects that come in parts, over many requests. Each segment is a file of its
 * own, in which parts lie where the object has them: whoever sends to an older
 * one, late, cannot touch what others have sent since. finish() copies the
 * counted parts of all segments into one of them, and publishes that.
 *
 * Who writes a part holds a shared lock of the segment, so that finish() knows
 * of those that are late. If it cannot have the file for itself it makes a
 * new one: what was published nobody writes to.
 */
#include "store/store_file.h"

#include "base/crash.h"
#include "store/part_buffer.h"

#include <apr_strings.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    /* The mode of a segment whose name is known to survive a power cut. */
    MODE = 0600,
    MODE_NAMED = 0700,
    WHOLE = -1 /* no segment: a file for finish() alone */
};

static const char *segment_path(const stg_file_store_t *store, const char *key,
                                int segment, apr_pool_t *p)
{
    const char *dir = stg_file_parts_dir(store, key, p);

    if (segment == WHOLE)
        return apr_pstrcat(p, dir, "/whole", NULL);
    return apr_psprintf(p, "%s/%d", dir, segment);
}

static stg_error_t *no_such_parts(apr_pool_t *p)
{
    return stg_raise(p, STG_E_NOT_FOUND, "no such parts");
}

/* A folder is absent only from a store that is there. */
static stg_error_t *segment_error(const stg_file_store_t *store,
                                  const char *path, int error, apr_pool_t *p)
{
    if (error == ENOENT && !access(stg_file_temp_dir(store, p), F_OK))
        return no_such_parts(p);
    return stg_certain(stg_file_error(error, path, p));
}

static stg_error_t *too_short(apr_pool_t *p)
{
    return stg_raise(p, STG_E_STORE_FAILED,
                     "the store did not keep every byte");
}

/* --- begin ---------------------------------------------------------------- */

/* The folder stays if the database does not take it: whoever else has begun
 * the object uses the same. */
stg_error_t *stg_file_begin_parts(stg_store_t *store,
                                  const stg_object_spec_t *spec, apr_pool_t *p)
{
    const stg_file_store_t *files = (const stg_file_store_t *)store;
    const char *dir;

    STG_TRY(stg_store_key_check(spec->key, p));
    dir = stg_file_parts_dir(files, spec->key, p);
    if (mkdir(dir, 0700) && errno != EEXIST)
        return stg_file_error(errno, dir, p);
    STG_TRY(stg_file_sync_dir(stg_file_temp_dir(files, p), p));
    if (spec->on_parts_begun)
        STG_TRY(spec->on_parts_begun(spec->context,
                                     stg_store_key_id(spec->key, p), p));
    return STG_OK;
}

/* --- parts ---------------------------------------------------------------- */

/* Is path this file still, and not published? */
static int is_named(int fd, const char *path)
{
    struct stat here, there;

    return !fstat(fd, &here) && !lstat(path, &there) &&
           here.st_ino == there.st_ino && here.st_dev == there.st_dev;
}

static stg_error_t *segment_open(int *fd, const stg_file_store_t *store,
                                 const char *path, int flags, apr_pool_t *p)
{
    int opened = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, MODE);

    if (opened < 0)
        return stg_certain(segment_error(store, path, errno, p));
    if ((flock(opened, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK) ||
        !is_named(opened, path)) {
        close(opened);
        return stg_certain(no_such_parts(p));
    }
    *fd = opened;
    return STG_OK;
}

/* Whoever finds the mode knows that the name is safe; another who has opened
 * the file meanwhile must not count on it. */
static stg_error_t *sync_name(int fd, const char *dir, apr_pool_t *p)
{
    struct stat st;

    if (!fstat(fd, &st) && (st.st_mode & 0777) == MODE_NAMED)
        return STG_OK;
    STG_TRY(stg_file_sync_dir(dir, p));
    fchmod(fd, MODE_NAMED);
    return STG_OK;
}

static stg_error_t *write_part(int fd, const stg_stored_part_t *part,
                               const stg_part_buffer_t *buffer, apr_pool_t *p)
{
    apr_off_t size = stg_part_buffer_size(buffer);

    if (stg_part_buffer_fd(buffer) >= 0)
        return stg_file_copy(fd, part->first, stg_part_buffer_fd(buffer), 0,
                             size, p);
    return stg_file_write(fd, stg_part_buffer_memory(buffer), size, part->first,
                          p);
}

stg_error_t *stg_file_put_part(stg_stored_part_t *part, stg_store_t *store,
                               const stg_unfinished_t *what,
                               const stg_part_buffer_t *buffer, apr_pool_t *p)
{
    const stg_file_store_t *files = (const stg_file_store_t *)store;
    const char *path;
    stg_error_t *err;
    int fd;

    STG_TRY(stg_store_key_check(what->key, p));
    STG_TRY(stg_file_admit(files, stg_part_buffer_size(buffer), p));
    path = segment_path(files, what->key, part->segment, p);
    STG_TRY(segment_open(&fd, files, path, O_CREAT, p));
    err = write_part(fd, part, buffer, p);
    close(fd);
    STG_TRY(err);
    STG_CRASH_POINT("file-part-written");
    part->etag = NULL;
    return STG_OK;
}

stg_error_t *stg_file_sync_parts(stg_store_t *store,
                                 const stg_unfinished_t *what, int segment,
                                 apr_pool_t *p)
{
    const stg_file_store_t *files = (const stg_file_store_t *)store;
    const char *path;
    stg_error_t *err = STG_OK;
    int fd;

    STG_TRY(stg_store_key_check(what->key, p));
    path = segment_path(files, what->key, segment, p);
    STG_TRY(segment_open(&fd, files, path, 0, p));
    if (fdatasync(fd))
        err = stg_file_error(errno, path, p);
    if (!err)
        err = sync_name(fd, stg_file_parts_dir(files, what->key, p), p);
    close(fd);
    STG_TRY(err);
    STG_CRASH_POINT("file-part-synced");
    return STG_OK;
}

/* --- finish --------------------------------------------------------------- */

typedef struct joining_t {
    const stg_file_store_t *store;
    const stg_unfinished_t *what;
    const char *path; /* of what becomes the object */
    int segment;      /* that it is, or WHOLE */
    int fd;
} joining_t;

/* A segment that nobody writes to any more, or else a file of our own. */
static stg_error_t *joining_open(joining_t *joining, apr_pool_t *p)
{
    static const int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC;
    const stg_unfinished_t *what = joining->what;

    joining->segment = what->parts[0].segment;
    joining->path =
        segment_path(joining->store, what->key, joining->segment, p);
    joining->fd = open(joining->path, flags);
    if (joining->fd < 0)
        return segment_error(joining->store, joining->path, errno, p);
    if (!flock(joining->fd, LOCK_EX | LOCK_NB))
        return STG_OK;
    close(joining->fd);
    joining->segment = WHOLE;
    joining->path = segment_path(joining->store, what->key, WHOLE, p);
    joining->fd = open(joining->path, flags | O_CREAT, MODE);
    if (joining->fd < 0)
        return segment_error(joining->store, joining->path, errno, p);
    if (!flock(joining->fd, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK)
        return STG_OK;
    close(joining->fd);
    return stg_raise(p, STG_E_STORE_DOWN, "the object is being finished");
}

static stg_error_t *copy_part(const joining_t *joining,
                              const stg_stored_part_t *part, apr_pool_t *p)
{
    const char *path =
        segment_path(joining->store, joining->what->key, part->segment, p);
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    stg_error_t *err;

    if (fd < 0)
        return segment_error(joining->store, path, errno, p);
    err =
        stg_file_copy(joining->fd, part->first, fd, part->first, part->size, p);
    close(fd);
    return err;
}

/* Each part is there, as far as a size tells. */
static stg_error_t *join(const joining_t *joining, apr_pool_t *p)
{
    const stg_unfinished_t *what = joining->what;
    apr_off_t own = 0;
    struct stat st;
    apr_pool_t *turn;

    if (fstat(joining->fd, &st))
        return stg_file_error(errno, joining->path, p);
    apr_pool_create(&turn, p);
    for (int i = 0; i < what->part_count; i++) {
        const stg_stored_part_t *part = &what->parts[i];

        apr_pool_clear(turn);
        if (part->segment != joining->segment)
            STG_TRY(copy_part(joining, part, turn));
        else
            own = part->first + part->size;
    }
    apr_pool_destroy(turn);
    if (own > st.st_size)
        return too_short(p);
    if (ftruncate(joining->fd, what->size) || fchmod(joining->fd, MODE) ||
        fsync(joining->fd))
        return stg_file_error(errno, joining->path, p);
    return STG_OK;
}

static stg_error_t *join_and_publish(const stg_file_store_t *store,
                                     const stg_unfinished_t *what,
                                     apr_pool_t *p)
{
    joining_t joining = {.store = store, .what = what};
    stg_error_t *err;

    STG_TRY(joining_open(&joining, p));
    err = join(&joining, p);
    STG_CRASH_POINT("file-parts-joined");
    if (!err)
        err = stg_file_publish(store, joining.path, what->key, p);
    close(joining.fd);
    return err;
}

/* Is the object there? Then whoever has published it may have died before it
 * was durable, and what is left of its parts removed. */
static stg_error_t *settle(const stg_file_store_t *store,
                           const stg_unfinished_t *what, apr_pool_t *p)
{
    stg_found_t found;

    STG_TRY(
        store->store.driver->head(&found, (stg_store_t *)store, what->key, p));
    if (found.size != what->size)
        return stg_raise(p, STG_E_STORE_FAILED,
                         "the stored object has another size");
    if (!what->parts)
        return STG_OK;
    STG_TRY(stg_file_sync_dir(
        stg_file_object_dir(store, stg_file_fan(what->key), p), p));
    STG_CRASH_POINT("file-parts-published");
    STG_TRY(stg_file_remove_parts(store, what->key, p));
    return stg_file_sync_dir(stg_file_temp_dir(store, p), p);
}

/* Whatever came of joining the parts, the object itself is asked: another may
 * have published it at the same time. Without parts, close() has done
 * everything already. */
stg_error_t *stg_file_finish(stg_store_t *store, const stg_unfinished_t *what,
                             apr_pool_t *p)
{
    const stg_file_store_t *files = (const stg_file_store_t *)store;
    stg_error_t *err, *joined;

    STG_TRY(stg_store_key_check(what->key, p));
    STG_TRY(stg_store_parts_check(store, what, p));
    err = settle(files, what, p);
    if (!what->parts || !err || err->code != STG_E_NOT_FOUND)
        return err;
    joined = join_and_publish(files, what, p);
    err = settle(files, what, p);
    if (err && err->code == STG_E_NOT_FOUND && joined)
        return joined;
    return err;
}
