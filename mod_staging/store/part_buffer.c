/* SPDX-License-Identifier: Apache-2.0 */
#include "store/part_buffer.h"
#include "base/metrics.h"

#include <apr_strings.h>

#include <openssl/evp.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { STEP = 256 * 1024, READ_SIZE = 64 * 1024 };

struct stg_part_budget_t {
    apr_off_t bytes;
    apr_off_t used; /* atomic */
    const char *temp_dir;
};

struct stg_part_buffer_t {
    stg_part_budget_t *budget;
    char *memory; /* capacity bytes of address space, or NULL */
    int fd;       /* -1: in memory */
    apr_off_t capacity;
    apr_off_t charged;
    apr_off_t size;
};

stg_part_budget_t *stg_part_budget_create(apr_off_t bytes, const char *temp_dir,
                                          apr_pool_t *p)
{
    stg_part_budget_t *budget = apr_pcalloc(p, sizeof(*budget));

    budget->bytes = bytes;
    budget->temp_dir = apr_pstrdup(p, temp_dir);
    return budget;
}

apr_off_t stg_part_budget_used(const stg_part_budget_t *budget)
{
    return __atomic_load_n(&budget->used, __ATOMIC_RELAXED);
}

static int charge(stg_part_buffer_t *buffer, apr_off_t bytes)
{
    stg_part_budget_t *budget = buffer->budget;
    apr_off_t used = __atomic_add_fetch(&budget->used, bytes, __ATOMIC_RELAXED);

    if (used > budget->bytes) {
        __atomic_sub_fetch(&budget->used, bytes, __ATOMIC_RELAXED);
        return 0;
    }
    buffer->charged += bytes;
    stg_metric_add(STG_METRIC_PARTS_MEMORY, bytes);
    return 1;
}

static void drop_memory(stg_part_buffer_t *buffer)
{
    if (buffer->memory)
        munmap(buffer->memory, (size_t)buffer->capacity);
    buffer->memory = NULL;
    __atomic_sub_fetch(&buffer->budget->used, buffer->charged,
                       __ATOMIC_RELAXED);
    stg_metric_add(STG_METRIC_PARTS_MEMORY, -buffer->charged);
    buffer->charged = 0;
}

static void drop_file(stg_part_buffer_t *buffer)
{
    if (buffer->fd >= 0)
        close(buffer->fd);
    buffer->fd = -1;
}

static apr_status_t destroy(void *data)
{
    drop_memory(data);
    drop_file(data);
    return APR_SUCCESS;
}

stg_part_buffer_t *stg_part_buffer_create(stg_part_budget_t *budget,
                                          apr_pool_t *p)
{
    stg_part_buffer_t *buffer = apr_pcalloc(p, sizeof(*buffer));

    buffer->budget = budget;
    buffer->fd = -1;
    apr_pool_cleanup_register(p, buffer, destroy, apr_pool_cleanup_null);
    return buffer;
}

/* Pages that were touched already cost nothing the next time. */
void stg_part_buffer_clear(stg_part_buffer_t *buffer, apr_off_t capacity)
{
    if (capacity != buffer->capacity)
        drop_memory(buffer);
    drop_file(buffer);
    buffer->capacity = capacity;
    buffer->size = 0;
}

apr_off_t stg_part_buffer_room(const stg_part_buffer_t *buffer)
{
    return buffer->capacity - buffer->size;
}

apr_off_t stg_part_buffer_size(const stg_part_buffer_t *buffer)
{
    return buffer->size;
}

const char *stg_part_buffer_memory(const stg_part_buffer_t *buffer)
{
    return buffer->fd < 0 ? buffer->memory : NULL;
}

int stg_part_buffer_fd(const stg_part_buffer_t *buffer)
{
    return buffer->fd;
}

/* Is there memory for so many bytes? Address space costs nothing: only pages
 * that are written to count. */
static int has_memory(stg_part_buffer_t *buffer, apr_off_t size)
{
    if (buffer->fd >= 0)
        return 0;
    if (!buffer->memory) {
        void *memory =
            mmap(NULL, (size_t)buffer->capacity, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (memory == MAP_FAILED)
            return 0;
        buffer->memory = memory;
    }
    if (size <= buffer->charged)
        return 1;
    return charge(buffer, (size - buffer->charged + STEP - 1) / STEP * STEP);
}

static stg_error_t *no_file(apr_pool_t *p)
{
    int number = errno;
    stg_code_t code =
        number == ENOSPC || number == EDQUOT ? STG_E_NO_SPACE : STG_E_INTERNAL;

    return stg_because_apr(stg_raise(p, code, "no room for temporary data"), p,
                           APR_FROM_OS_ERROR(number),
                           "temporary file of a part");
}

/* Unnamed from the start where the file system can do that. */
static int open_unnamed(const char *folder, apr_pool_t *p)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    char *path;

    if (fd >= 0)
        return fd;
    path = apr_pstrcat(p, folder, "/staging-part-XXXXXX", NULL);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

static stg_error_t *append(stg_part_buffer_t *buffer, const char *bytes,
                           apr_size_t count, apr_pool_t *p)
{
    apr_off_t at = buffer->size;

    while (count > 0) {
        ssize_t n = pwrite(buffer->fd, bytes, count, at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return no_file(p);
        bytes += n;
        count -= (apr_size_t)n;
        at += n;
    }
    buffer->size = at;
    return STG_OK;
}

static stg_error_t *move_to_file(stg_part_buffer_t *buffer, apr_pool_t *p)
{
    apr_size_t size = (apr_size_t)buffer->size;

    buffer->fd = open_unnamed(buffer->budget->temp_dir, p);
    if (buffer->fd < 0)
        return no_file(p);
    buffer->size = 0;
    if (size > 0)
        STG_TRY(append(buffer, buffer->memory, size, p));
    drop_memory(buffer);
    return STG_OK;
}

stg_error_t *stg_part_buffer_add(stg_part_buffer_t *buffer, const char *bytes,
                                 apr_size_t count, apr_pool_t *p)
{
    assert((apr_off_t)count <= stg_part_buffer_room(buffer));
    if (has_memory(buffer, buffer->size + (apr_off_t)count)) {
        memcpy(buffer->memory + buffer->size, bytes, count);
        buffer->size += (apr_off_t)count;
        return STG_OK;
    }
    if (buffer->fd < 0)
        STG_TRY(move_to_file(buffer, p));
    return append(buffer, bytes, count, p);
}

static int hash_file(EVP_MD_CTX *context, const stg_part_buffer_t *buffer,
                     char *block)
{
    for (apr_off_t at = 0; at < buffer->size;) {
        ssize_t n = pread(buffer->fd, block, READ_SIZE, at);

        if (n <= 0 || EVP_DigestUpdate(context, block, (size_t)n) != 1)
            return 0;
        at += n;
    }
    return 1;
}

static apr_status_t free_context(void *data)
{
    EVP_MD_CTX_free(data);
    return APR_SUCCESS;
}

stg_error_t *stg_part_buffer_md5(unsigned char *md5,
                                 const stg_part_buffer_t *buffer, apr_pool_t *p)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int is_done;

    apr_pool_cleanup_register(p, context, free_context, apr_pool_cleanup_null);
    is_done = context && EVP_DigestInit_ex(context, EVP_md5(), NULL) == 1;
    if (is_done && buffer->fd >= 0)
        is_done = hash_file(context, buffer, apr_palloc(p, READ_SIZE));
    else if (is_done && buffer->size > 0)
        is_done = EVP_DigestUpdate(context, buffer->memory,
                                   (size_t)buffer->size) == 1;
    if (!is_done || EVP_DigestFinal_ex(context, md5, NULL) != 1)
        return stg_raise(p, STG_E_INTERNAL, "a part cannot be hashed");
    return STG_OK;
}
