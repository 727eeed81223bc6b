#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Every #include "folder/..." names a lower floor, outside libraries stay in
# their homes, and services know nothing of web/. The table: mod_staging/FLOORS.
set -euo pipefail
# shellcheck source=t/check/check.bash
source "$(dirname "$0")/check.bash"

mapfile -t files < <(cd mod_staging && find . -name '*.[ch]' -type f | sort)

findings=$(cd mod_staging && awk '
function report(text) { printf "mod_staging/%s:%d: %s\n", name, FNR, text }

FILENAME == "FLOORS" {
    if ($1 == "floor")
        floor[$3] = $2
    else if ($1 == "may")
        may[$2, $3] = 1
    else if ($1 == "handler")
        handler[$2] = 1
    else if ($1 == "home") {
        home[$2] = " "
        for (i = 3; i <= NF; i++)
            home[$2] = home[$2] $i " "
    }
    next
}

FNR == 1 {
    name = substr(FILENAME, 3)
    folder = name
    if (!sub(/\/[^\/]*$/, "", folder))
        folder = "."
    is_slice = folder in floor && floor[folder] == 5
    is_handler = is_slice && \
        (name ~ /_(api|routes)\.[ch]$/ || name in handler)
    is_service = is_slice && !is_handler
    # The tool is no part of the httpd module.
    is_tool = name ~ /^stagingctl/
    if (!(folder in floor))
        report("folder " folder " has no floor in FLOORS")
}

/^ *# *include *"/ {
    split($0, part, "\"")
    target = part[2]
    if (!sub(/\/[^\/]*$/, "", target)) {
        if (folder != ".")
            report("want \"folder/file.h\": " part[2])
    } else if (!(target in floor))
        report("no such folder in FLOORS: " part[2])
    else if (target != folder && floor[target] >= floor[folder] \
             && !((folder, target) in may))
        report(folder "/ must not include " part[2])
    if (target == "web" && (is_service || is_tool))
        report("not for a service or the tool: " part[2])
}

/^ *# *include *</ {
    match($0, /<.*/)
    header = substr($0, RSTART)
    # The longest beginning decides: <mod_dbd.h> before <mod_.
    best = ""
    for (begin in home)
        if (index(header, begin) == 1 && length(begin) > length(best))
            best = begin
    place = " " (is_handler ? "handlers" : folder) " "
    if (best != "" && (!index(home[best], place) ||
                       is_tool && best ~ /^<(httpd|http_|ap_|mod_)/))
        report(header " is at home in" home[best] "only")
}
' FLOORS "${files[@]}")

verdict floors "$findings"
