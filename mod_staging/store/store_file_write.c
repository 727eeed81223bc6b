/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
    STEP = 8 * 1024 * 1024, /* the kernel is told to write each of these */
    BEHIND = 8 * STEP,      /* and at most so much waits in memory */
    COPY_BLOCK = 256 * 1024
};

static int is_unknown(int error)
{
    return error == EINVAL || error == ENOSYS;
}

/* Start to write early, so that whoever syncs has little to wait for, and do
 * not run ahead of the disk. What is written is dropped from the page cache:
 * recycled pages are quicker than fresh ones, and one large object does not
 * push out what others need. */
static stg_error_t *write_behind(int fd, apr_off_t first, apr_off_t end,
                                 apr_pool_t *p)
{
    static const unsigned int wait = SYNC_FILE_RANGE_WAIT_BEFORE |
                                     SYNC_FILE_RANGE_WRITE |
                                     SYNC_FILE_RANGE_WAIT_AFTER;

    for (apr_off_t at = first / STEP * STEP; at + STEP <= end; at += STEP) {
        apr_off_t done = at - BEHIND;

        if (sync_file_range(fd, at, STEP, SYNC_FILE_RANGE_WRITE) &&
            !is_unknown(errno))
            return stg_file_error(errno, "sync_file_range", p);
        if (done < 0)
            continue;
        if (sync_file_range(fd, done, STEP, wait) && !is_unknown(errno))
            return stg_file_error(errno, "sync_file_range", p);
        posix_fadvise(fd, done, STEP, POSIX_FADV_DONTNEED);
    }
    return STG_OK;
}

stg_error_t *stg_file_write(int fd, const char *bytes, apr_off_t count,
                            apr_off_t at, apr_pool_t *p)
{
    apr_off_t first = at;

    while (count > 0) {
        ssize_t n = pwrite(fd, bytes, (apr_size_t)count, at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return stg_file_error(errno, "pwrite", p);
        bytes += n;
        count -= n;
        at += n;
    }
    return write_behind(fd, first, at, p);
}

static stg_error_t *copy_blocks(int to, apr_off_t at, int from, apr_off_t first,
                                apr_off_t count, apr_pool_t *p)
{
    char *block = apr_palloc(p, COPY_BLOCK);

    while (count > 0) {
        apr_size_t wanted = count < COPY_BLOCK ? (apr_size_t)count : COPY_BLOCK;
        ssize_t n = pread(from, block, wanted, first);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return stg_file_error(errno, "pread", p);
        if (n == 0)
            return stg_raise(p, STG_E_STORE_FAILED,
                             "the store did not keep every byte");
        STG_TRY(stg_file_write(to, block, n, at, p));
        first += n;
        at += n;
        count -= n;
    }
    return STG_OK;
}

/* Within a file system the kernel may share the blocks. */
stg_error_t *stg_file_copy(int to, apr_off_t at, int from, apr_off_t first,
                           apr_off_t count, apr_pool_t *p)
{
    while (count > 0) {
        off_t in = first;
        off_t out = at;
        ssize_t n = copy_file_range(from, &in, to, &out, (apr_size_t)count, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO))
            return stg_file_error(errno, "copy_file_range", p);
        if (n <= 0)
            return copy_blocks(to, at, from, first, count, p);
        first += n;
        at += n;
        count -= n;
    }
    return STG_OK;
}
