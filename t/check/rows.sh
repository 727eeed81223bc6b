#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Every row of the security checklist in t/README names a test or a file that
# exists, or what it waits for.
set -euo pipefail
# shellcheck source=t/check/check.bash
source "$(dirname "$0")/check.bash"

readonly ROWS=45

rows() { sed '1,/^SECURITY ROWS$/d' t/README; }

# Names of tests, one a line.
tests() {
    grep -rhoE '^(static void|def) \w+' t --include='*_test.c' --include='test_*.py' |
        awk '{ print $NF }'
}

unknown() {
    local name
    while read -r name; do
        case $name in
        t/*) [[ -e $name ]] || echo "t/README: $name is not there" ;;
        *) grep -qxF "$name" <<<"$known" || echo "t/README: no test $name" ;;
        esac
    done < <(rows | grep -oE '^ {12}(t/[^ ]+|[a-z0-9]+(_[a-z0-9]+)+)$')
}

# A row that has neither.
empty() {
    rows | awk -v rows=$ROWS '
        /^    [ 0-9][0-9]  / { row = $1; next }
        /^            [a-z]/ { proved[row] = 1 }
        END {
            for (row = 1; row <= rows; row++)
                if (!proved[row]) print "t/README: row " row " has no test"
        }'
}

known=$(tests)
findings=$(unknown && empty)
verdict rows "$findings"
