/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_file.h"

#include "base/ids.h"
#include "base/text.h"

#include <apr_strings.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BLOCK = 256 * 1024, PART_SIZE = 256 * 1024 };

/* An object is absent only from a store that is there: that of an unmounted
 * volume is not lost. */
static stg_error_t *read_error(const stg_store_t *store, const char *key,
                               int error, apr_pool_t *p)
{
    const stg_file_store_t *files = (const stg_file_store_t *)store;
    const char *dir = stg_file_object_dir(files, stg_file_fan(key), p);

    if (error == ENOENT && !access(dir, F_OK))
        return stg_raise(p, STG_E_NOT_FOUND, "no such object");
    return stg_certain(
        stg_file_error(error, stg_file_object_path(files, key, p), p));
}

static stg_error_t *file_head(stg_found_t *found, stg_store_t *store,
                              const char *key, apr_pool_t *p)
{
    const char *path;
    struct stat st;

    STG_TRY(stg_store_key_check(key, p));
    path = stg_file_object_path((stg_file_store_t *)store, key, p);
    if (lstat(path, &st))
        return read_error(store, key, errno, p);
    *found = (stg_found_t){.key = apr_pstrdup(p, key),
                           .size = st.st_size,
                           .modified = apr_time_from_sec(st.st_mtime)};
    return STG_OK;
}

static stg_error_t *read_blocks(int fd, apr_off_t first, apr_off_t count,
                                stg_sink_t *sink, apr_pool_t *p)
{
    char *block = apr_palloc(p, count < READ_BLOCK ? count : READ_BLOCK);

    while (count) {
        apr_size_t wanted = count < READ_BLOCK ? count : READ_BLOCK;
        ssize_t n = pread(fd, block, wanted, first);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return stg_file_error(errno, "read", p);
        if (n == 0)
            return stg_raise(p, STG_E_STORE_FAILED,
                             "the stored object ended too early");
        STG_TRY(stg_sink_write(sink, block, (apr_size_t)n));
        first += n;
        count -= n;
    }
    return STG_OK;
}

static stg_error_t *read_range(int fd, apr_off_t first, apr_off_t count,
                               stg_sink_t *sink, apr_pool_t *p)
{
    struct stat st;

    if (fstat(fd, &st))
        return stg_file_error(errno, "fstat", p);
    if (first > st.st_size || count > st.st_size - first)
        return stg_raise(p, STG_E_STORE_FAILED,
                         "the stored object is shorter than it should be");
    return read_blocks(fd, first, count < 0 ? st.st_size - first : count, sink,
                       p);
}

static stg_error_t *file_read(stg_store_t *store, const char *key,
                              apr_off_t first, apr_off_t count,
                              stg_sink_t *sink, apr_pool_t *p)
{
    stg_error_t *err;
    const char *path;
    apr_pool_t *block;
    int fd;

    STG_TRY(stg_store_key_check(key, p));
    path = stg_file_object_path((stg_file_store_t *)store, key, p);
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return read_error(store, key, errno, p);
    /* A caller may read many objects with one pool. */
    apr_pool_create(&block, p);
    err = stg_error_copy(read_range(fd, first, count, sink, block), p);
    apr_pool_destroy(block);
    close(fd);
    return err;
}

static stg_error_t *file_open_file(apr_file_t **file, stg_store_t *store,
                                   const char *key, apr_pool_t *p)
{
    const char *path;
    apr_status_t status;

    STG_TRY(stg_store_key_check(key, p));
    path = stg_file_object_path((stg_file_store_t *)store, key, p);
    status = apr_file_open(file, path,
                           APR_FOPEN_READ | APR_FOPEN_BINARY |
                               APR_FOPEN_SENDFILE_ENABLED,
                           APR_FPROT_OS_DEFAULT, p);
    if (status)
        return read_error(store, key, APR_TO_OS_ERROR(status), p);
    return STG_OK;
}

static stg_error_t *file_presign(const char **url, stg_store_t *store,
                                 const stg_presign_t *what, apr_pool_t *p)
{
    (void)store;
    STG_TRY(stg_store_key_check(what->key, p));
    *url = NULL;
    return STG_OK;
}

static stg_error_t *check_dir(const char *dir, apr_pool_t *p)
{
    if (!faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS))
        return STG_OK;
    return stg_because_apr(
        stg_raise(p, STG_E_STORE_DOWN, "the store is not there"), p,
        APR_FROM_OS_ERROR(errno), dir);
}

/* One directory of objects stands for all. */
static stg_error_t *file_ping(stg_store_t *store, apr_pool_t *p)
{
    const stg_file_store_t *files = (const stg_file_store_t *)store;
    apr_off_t available;

    STG_TRY(check_dir(stg_file_temp_dir(files, p), p));
    STG_TRY(check_dir(stg_file_object_dir(files, 0, p), p));
    STG_TRY(stg_file_space(&available, files, p));
    if (available <= files->reserve)
        return stg_raise(p, STG_E_NO_SPACE, "the store is full");
    return STG_OK;
}

/* Does the file system rename without replacing? close() can do without. */
static int can_rename_exclusively(const stg_file_store_t *store, apr_pool_t *p)
{
    const char *absent =
        stg_file_temp_path(store, stg_store_key(stg_uuid_create(p), p), p);

    return renameat2(AT_FDCWD, absent, AT_FDCWD, absent, RENAME_NOREPLACE) &&
           errno == ENOENT;
}

static stg_error_t *file_probe(const char **summary, stg_store_t *store,
                               const char *key, apr_pool_t *p)
{
    static const char text[] = "written, read and removed to try the store";
    const stg_file_store_t *files = (const stg_file_store_t *)store;
    stg_memory_sink_t *memory = stg_memory_sink_create(sizeof(text), p);
    stg_receipt_t receipt;
    stg_object_spec_t spec = {
        .key = key, .size = sizeof(text), .receipt = &receipt};
    apr_off_t available;
    apr_size_t count;
    stg_sink_t *sink;

    STG_TRY(stg_file_create(&sink, store, &spec, p));
    STG_TRY(stg_sink_write(sink, text, sizeof(text)));
    STG_TRY(stg_sink_close(sink));
    STG_TRY(file_read(store, key, 0, -1, stg_memory_sink(memory), p));
    if (memcmp(stg_memory_sink_text(memory, &count), text, sizeof(text)))
        return stg_raise(p, STG_E_STORE_FAILED,
                         "the store did not return what was written");
    STG_TRY(stg_file_remove(store, &(stg_unfinished_t){.key = key}, 1, p));
    STG_TRY(stg_file_space(&available, files, p));
    *summary = apr_psprintf(
        p,
        "files in %s: writes, reads and removes, exclusive rename %s, "
        "%" APR_OFF_T_FMT " MiB free, %" APR_OFF_T_FMT " MiB reserved",
        files->dir,
        can_rename_exclusively(files, p) ? "yes" : "no (links instead)",
        available >> 20, files->reserve >> 20);
    return STG_OK;
}

/* "file:///dir" without a slash at its end. */
static stg_error_t *parse_url(const char **dir, const char *url, apr_pool_t *p)
{
    const char *path = NULL;
    apr_size_t length = 0;

    if (!strncmp(url, "file:///", strlen("file:///")))
        path = stg_percent_decode(url + strlen("file://"), p);
    if (path)
        length = strlen(path);
    while (length && path[length - 1] == '/')
        length--;
    if (!length)
        return stg_raise(p, STG_E_INVALID,
                         "the URL of a file store is file:///directory, not %s",
                         url);
    *dir = apr_pstrmemdup(p, path, length);
    return STG_OK;
}

static stg_error_t *file_open(stg_store_t **store,
                              const stg_store_config_t *config, apr_pool_t *p)
{
    static const char *const known[] = {"reserve", NULL};
    const char *reserve = apr_table_get(config->options, "reserve");
    stg_file_store_t *files = apr_pcalloc(p, sizeof(*files));

    STG_TRY(stg_store_options_check(config, known, p));
    STG_TRY(parse_url(&files->dir, config->url, p));
    if (reserve && !stg_parse_size(reserve, &files->reserve))
        return stg_raise(p, STG_E_INVALID, "reserve=%s is not a size", reserve);
    files->store = (stg_store_t){.driver = &stg_store_file_driver,
                                 .name = apr_pstrdup(p, config->name),
                                 .part_size = PART_SIZE};
    *store = &files->store;
    return STG_OK;
}

static stg_error_t *file_prepare(stg_store_t *store, apr_pool_t *p)
{
    stg_error_t *err = stg_file_make_dirs((stg_file_store_t *)store, p);

    if (!err)
        return STG_OK;
    return stg_because(stg_raise(p, STG_E_INVALID,
                                 "the directory of the store %s cannot be made",
                                 store->name),
                       p, "%s", stg_error_text(err, p));
}

const stg_store_driver_t stg_store_file_driver = {
    .scheme = "file",
    .open = file_open,
    .prepare = file_prepare,
    .probe = file_probe,
    .ping = file_ping,
    .is_down = stg_store_is_never_down,
    .stoppable = stg_store_as_it_is,
    .create = stg_file_create,
    .begin_parts = stg_file_begin_parts,
    .put_part = stg_file_put_part,
    .sync_parts = stg_file_sync_parts,
    .finish = stg_file_finish,
    .head = file_head,
    .read = file_read,
    .open_file = file_open_file,
    .presign = file_presign,
    .remove = stg_file_remove,
    .list = stg_file_list,
};
