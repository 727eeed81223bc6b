#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Every C file is as clang-format has it; --mend makes it so. Another version
# decides otherwise, so without version 14 the guard is skipped, aloud.
set -euo pipefail
# shellcheck source=t/check/check.bash
source "$(dirname "$0")/check.bash"

format=
for program in clang-format-14 clang-format; do
    if [[ $("$program" --version 2>/dev/null) == *" version 14."* ]]; then
        format=$program
        break
    fi
done
if [[ ! $format ]]; then
    echo "format: skipped, no clang-format 14"
    exit 77
fi

mapfile -t files < <(c_files mod_staging t)
[[ ${1:-} != --mend ]] || "$format" -i "${files[@]}"
findings=$(
    for file in "${files[@]}"; do
        "$format" --dry-run -Werror "$file" 2>/dev/null ||
            echo "$file: make format would change it"
    done
)

verdict format "$findings"
