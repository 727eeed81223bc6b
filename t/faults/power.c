/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD: notes what a program does below the folder STAGING_DISK, so
 * that power.py can tell what a disk would have kept of it. Each call that
 * succeeded is a line of the file journal in the folder STAGING_DISK_NOTES,
 *     + INODE PATH      a name is there ("dir" for the inode of a folder)
 *     - PATH            a name is gone
 *     = INODE SIZE      so many bytes of a file are safe
 *     / BYTES PATH      the names of a folder are, as of this much of journal
 * and the folder kept has a link to each file by its inode, so that it can
 * come back. While it has a file broken-files or broken-folders, none of these
 * can be synced. The calls are those of the file store. One that is missing
 * here is taken for lost by the next power cut, so it cannot be forgotten.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As slow as a disk, so that cuts come before it, too. */
enum { SYNC_MICROSECONDS = 10000, LINE = 2 * PATH_MAX + 64 };

/* The function that this one hides. */
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int is_watched(const char *path)
{
    const char *disk = getenv("STAGING_DISK");
    size_t length = disk ? strlen(disk) : 0;

    return length && !strncmp(path, disk, length) &&
           (path[length] == '/' || !path[length]);
}

static const char *notes_path(char *path, const char *name)
{
    snprintf(path, PATH_MAX, "%s/%s", getenv("STAGING_DISK_NOTES"), name);
    return path;
}

static void give_up(const char *why)
{
    perror(why);
    abort();
}

/* Whole lines, by one write, so that those of several processes do not mix
 * and a process that is killed leaves none in part. */
__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
    char path[PATH_MAX], lines[LINE];
    va_list values;
    int count,
        fd = open(notes_path(path, "journal"), O_WRONLY | O_APPEND | O_CLOEXEC);

    va_start(values, format);
    count = vsnprintf(lines, sizeof(lines), format, values);
    va_end(values);
    if (fd < 0 || write(fd, lines, (size_t)count) != count)
        give_up("journal");
    close(fd);
}

static long long journal_size(void)
{
    char path[PATH_MAX];
    struct stat journal;

    if (stat(notes_path(path, "journal"), &journal))
        give_up("journal");
    return journal.st_size;
}

static unsigned long long inode(const char *path)
{
    struct stat st;

    return lstat(path, &st) ? 0 : st.st_ino;
}

static void note_created(int fd, const char *path)
{
    char name[32], kept[PATH_MAX];
    struct stat st;

    if (fstat(fd, &st))
        give_up(path);
    snprintf(name, sizeof(name), "kept/%llu", (unsigned long long)st.st_ino);
    if (NEXT(link)(path, notes_path(kept, name)) && errno != EEXIST)
        give_up(kept);
    note("+ %llu %s\n", (unsigned long long)st.st_ino, path);
}

int open(const char *path, int flags, ...)
{
    va_list more;
    mode_t mode = 0;
    int fd;

    va_start(more, flags);
    if (flags & (O_CREAT | O_TMPFILE))
        mode = va_arg(more, mode_t);
    va_end(more);
    fd = NEXT(open)(path, flags, mode);
    if (fd >= 0 && flags & O_CREAT && is_watched(path))
        note_created(fd, path);
    return fd;
}

int mkdir(const char *path, mode_t mode)
{
    int result = NEXT(mkdir)(path, mode);

    if (!result && is_watched(path))
        note("+ dir %s\n", path);
    return result;
}

static int is_broken(const struct stat *st)
{
    char path[PATH_MAX];

    return !access(notes_path(path, S_ISDIR(st->st_mode) ? "broken-folders"
                                                         : "broken-files"),
                   F_OK);
}

/* What counts is what was there, and was noted, before it began. The folder
 * that ours is in is not ours, but has its name. */
static int sync_noted(int fd, int (*sync)(int))
{
    char link_path[64], path[PATH_MAX] = "";
    long long position;
    struct stat st;
    int result;

    snprintf(link_path, sizeof(link_path), "/proc/self/fd/%d", fd);
    if (fstat(fd, &st) || readlink(link_path, path, sizeof(path) - 1) < 0 ||
        !(is_watched(path) || S_ISDIR(st.st_mode)))
        return sync(fd);
    if (is_broken(&st)) {
        errno = EIO;
        return -1;
    }
    position = journal_size();
    usleep(SYNC_MICROSECONDS);
    result = sync(fd);
    if (!result && S_ISDIR(st.st_mode))
        note("/ %lld %s\n", position, path);
    else if (!result)
        note("= %llu %lld\n", (unsigned long long)st.st_ino,
             (long long)st.st_size);
    return result;
}

int fsync(int fd)
{
    return sync_noted(fd, NEXT(fsync));
}

/* Sizes are kept by it, too. */
int fdatasync(int fd)
{
    return sync_noted(fd, NEXT(fdatasync));
}

int rmdir(const char *path)
{
    int result = NEXT(rmdir)(path);

    if (!result && is_watched(path))
        note("- %s\n", path);
    return result;
}

int renameat2(int from, const char *path, int to, const char *new_path,
              unsigned int flags)
{
    unsigned long long file = inode(path);
    int result = NEXT(renameat2)(from, path, to, new_path, flags);

    if (!result && is_watched(path))
        note("+ %llu %s\n- %s\n", file, new_path, path);
    return result;
}

int link(const char *path, const char *new_path)
{
    int result = NEXT(link)(path, new_path);

    if (!result && is_watched(new_path))
        note("+ %llu %s\n", inode(new_path), new_path);
    return result;
}

int unlink(const char *path)
{
    int result = NEXT(unlink)(path);

    if (!result && is_watched(path))
        note("- %s\n", path);
    return result;
}
