/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crash.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Of all who come at the same time unlink() lets one succeed. */
void stg_crash_point(const char *name)
{
    const char *folder = getenv("STAGING_CRASH_FOLDER");
    char path[PATH_MAX];

    if (!folder)
        return;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (!unlink(path))
        kill(getpid(), SIGKILL);
}
