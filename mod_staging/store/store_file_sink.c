/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_file.h"

#include "base/crash.h"

#include <apr_strings.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Smaller writes are gathered to this. */
enum { GATHERED = 64 * 1024 };

typedef struct file_object_t {
    stg_sink_t sink;
    const stg_file_store_t *store;
    const char *key;
    const char *temp_path;
    apr_off_t announced; /* -1 if not known */
    stg_receipt_t *receipt;
    int fd;
    apr_off_t written;
    char *gathered;
    apr_size_t gathered_count;
} file_object_t;

static stg_error_t *refuse(const file_object_t *object, const char *message)
{
    return stg_raise(object->sink.pool, STG_E_STORE_FAILED, "%s", message);
}

static stg_error_t *object_error(const file_object_t *object, const char *path)
{
    return stg_file_error(errno, path, object->sink.pool);
}

static stg_error_t *write_out(file_object_t *object, const char *bytes,
                              apr_size_t count)
{
    STG_TRY(stg_file_write(object->fd, bytes, (apr_off_t)count, object->written,
                           object->sink.pool));
    object->written += (apr_off_t)count;
    STG_CRASH_POINT("file-written");
    return STG_OK;
}

static stg_error_t *write_gathered(file_object_t *object)
{
    apr_size_t count = object->gathered_count;

    object->gathered_count = 0;
    return write_out(object, object->gathered, count);
}

static stg_error_t *object_write(stg_sink_t *sink, const char *bytes,
                                 apr_size_t count)
{
    file_object_t *object = (file_object_t *)sink;

    if (object->gathered_count + count > GATHERED)
        STG_TRY(write_gathered(object));
    if (count >= GATHERED)
        return write_out(object, bytes, count);
    if (!object->gathered)
        object->gathered = apr_palloc(sink->pool, GATHERED);
    if (count)
        memcpy(object->gathered + object->gathered_count, bytes, count);
    object->gathered_count += count;
    return STG_OK;
}

static stg_error_t *publish(const file_object_t *object)
{
    stg_error_t *err = stg_file_publish(object->store, object->temp_path,
                                        object->key, object->sink.pool);

    if (err && err->code == STG_E_NOT_FOUND)
        return refuse(object, "the object was removed while it was received");
    return err;
}

static apr_status_t object_cleanup(void *data)
{
    file_object_t *object = data;

    STG_CRASH_POINT("file-undo");
    close(object->fd);
    unlink(object->temp_path);
    STG_CRASH_POINT("file-undone");
    return APR_SUCCESS;
}

static stg_error_t *object_close(stg_sink_t *sink)
{
    file_object_t *object = (file_object_t *)sink;
    apr_pool_t *p = sink->pool;
    const char *dir =
        stg_file_object_dir(object->store, stg_file_fan(object->key), p);
    struct stat st;

    STG_TRY(write_gathered(object));
    STG_CRASH_POINT("file-sync");
    if (fsync(object->fd) || fstat(object->fd, &st))
        return object_error(object, object->temp_path);
    STG_CRASH_POINT("file-synced");
    if (st.st_size != object->written)
        return refuse(object, "the store did not keep every byte");
    if (object->announced >= 0 && object->announced != object->written)
        return refuse(object, "the object is not as long as was announced");
    STG_TRY(publish(object));
    STG_CRASH_POINT("file-published");
    /* From here on the name in tmp/ is not ours to remove. */
    apr_pool_cleanup_kill(p, object, object_cleanup);
    close(object->fd);
    STG_TRY(stg_file_sync_dir(dir, p));
    STG_CRASH_POINT("file-dir-synced");
    STG_TRY(stg_file_sync_dir(stg_file_temp_dir(object->store, p), p));
    STG_CRASH_POINT("file-closed");
    *object->receipt =
        (stg_receipt_t){.size = object->written, .is_finished = 1};
    return STG_OK;
}

static const stg_sink_class_t object_class = {object_write, object_close};

stg_error_t *stg_file_create(stg_sink_t **sink, stg_store_t *store,
                             const stg_object_spec_t *spec, apr_pool_t *p)
{
    const stg_file_store_t *files = (const stg_file_store_t *)store;
    file_object_t *object = apr_pcalloc(p, sizeof(*object));

    STG_TRY(stg_store_key_check(spec->key, p));
    STG_TRY(stg_file_admit(
        files, spec->size > spec->least ? spec->size : spec->least, p));
    *object =
        (file_object_t){.sink = {&object_class, p},
                        .store = files,
                        .key = apr_pstrdup(p, spec->key),
                        .temp_path = stg_file_temp_path(files, spec->key, p),
                        .announced = spec->size,
                        .receipt = spec->receipt};
    object->fd =
        open(object->temp_path,
             O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (object->fd < 0)
        return object_error(object, object->temp_path);
    apr_pool_cleanup_register(p, object, object_cleanup, apr_pool_cleanup_null);
    STG_CRASH_POINT("file-created");
    *sink = &object->sink;
    return STG_OK;
}
