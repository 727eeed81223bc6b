#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Every source stands in Makefile.am: a module links with holes in it and
# httpd finds out. So does every file that is installed or generated from.
set -euo pipefail
# shellcheck source=t/check/check.bash
source "$(dirname "$0")/check.bash"

mapfile -t files < <(
    c_files mod_staging t/unit t/store t/db
    find htdocs man sql conf/*.in -path htdocs/assets -prune -o -type f -print | sort
)
findings=$(
    for file in "${files[@]}"; do
        grep -qwF "$file" Makefile.am || echo "$file is not in Makefile.am"
    done
)

verdict map "$findings"
