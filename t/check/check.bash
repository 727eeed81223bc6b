# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the guards share. Sourced; leaves the caller in the source tree.
cd "${srcdir:-$(dirname "${BASH_SOURCE[0]}")/../..}"

# c_files FOLDER...: their C files, without what a build has left there.
c_files() { find "$@" -name '*.[ch]' -not -name queries.h -type f | sort; }

# verdict NAME FINDINGS: say whether the guard has found anything.
verdict() {
    if [[ $2 ]]; then
        printf '%s\n%s: failed\n' "$2" "$1"
        exit 1
    fi
    echo "$1: good"
}
