/* SPDX-License-Identifier: Apache-2.0 */
#include "core/neighbour.h"

#include <apr_network_io.h>
#include <apr_strings.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_SIZE = 512 };

/* The first line of a small file of the kernel; false if there is none. */
static int read_line(char *line, const char *path)
{
    FILE *file = fopen(path, "re");
    int is_read;

    if (!file)
        return 0;
    is_read = fgets(line, LINE_SIZE, file) != NULL;
    fclose(file);
    line[is_read ? strcspn(line, "\n") : 0] = '\0';
    return is_read;
}

const char *stg_neighbour_place(apr_pool_t *p)
{
    char host[APRMAXHOSTLEN + 1] = "";
    char boot[LINE_SIZE], pids[LINE_SIZE];
    ssize_t length = readlink("/proc/self/ns/pid", pids, sizeof(pids));

    if (length < 0 || !read_line(boot, "/proc/sys/kernel/random/boot_id"))
        return NULL;
    apr_gethostname(host, sizeof(host), p);
    return apr_psprintf(p, "%s %s %.*s", host, boot, (int)length, pids);
}

/* One that was killed and that nobody has waited for yet is gone, too: the
 * letter of its state stands behind its name in brackets (proc(5)). */
static int is_zombie(int pid)
{
    char path[LINE_SIZE], line[LINE_SIZE];
    const char *state;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    state = read_line(line, path) ? strrchr(line, ')') : NULL;
    return state && (!strncmp(state, ") Z", 3) || !strncmp(state, ") X", 3));
}

int stg_neighbour_is_gone(int pid)
{
    if (kill(pid, 0))
        return errno == ESRCH;
    return is_zombie(pid);
}
