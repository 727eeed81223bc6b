#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# File names are unique, files and functions are short, parameters few, and
# every file says under which licence it is.
set -euo pipefail
# shellcheck source=t/check/check.bash
source "$(dirname "$0")/check.bash"

readonly FILE_LINES=500 FUNCTION_LINES=60 PARAMETERS=5

mapfile -t files < <(c_files mod_staging t)
mapfile -t scripts < <(
    find . -path ./var -prune -o -path ./build-aux -prune -o \
        -path './mod_staging-*' -prune -o -type f \
        \( -name '*.sh' -o -name '*.bash' -o -name '*.py' -o -name '*.awk' \
        -o -path './t/stack/*' -o -path ./bootstrap -o -path ./.ci/run \
        -o -name Makefile.am -o -name configure.ac \) \
        -not -name '*.pyc' -print | sort
)

repeated_names() {
    printf '%s\n' "${files[@]##*/}" | sort | uniq -d |
        sed 's/$/: two files have this name/'
}

long_files() {
    wc -l "${files[@]}" | awk -v limit=$FILE_LINES \
        '$2 != "total" && $1 > limit { print $2 ": " $1 " lines" }'
}

# A signature's top-level commas are its parameters but one. The pool and the
# three dots are not counted.
long_functions() {
    ctags -f - --fields=+neS --c-kinds=f "${files[@]}" |
        awk -F '\t' -v lines=$FUNCTION_LINES -v most=$PARAMETERS '
        {
            line = end = 0; signature = ""
            for (i = 4; i <= NF; i++) {
                if ($i ~ /^line:/) line = substr($i, 6)
                if ($i ~ /^end:/) end = substr($i, 5)
                if ($i ~ /^signature:/) signature = substr($i, 12)
            }
            gsub(/^\(|\)$/, "", signature)
            sub(/apr_pool_t *\* *[a-z_]+,? */, "", signature)
            sub(/, *$/, "", signature)
            sub(/, *\.\.\.$/, "", signature)
            while (gsub(/\([^()]*\)/, "", signature)) { }
            if (end && end - line + 1 > lines)
                print $2 ": " $1 " has " end - line + 1 " lines"
            if (gsub(/,/, ",", signature) + 1 > most)
                print $2 ": " $1 " has too many parameters"
        }'
}

without_licence() {
    local file
    for file in "${files[@]}"; do
        [[ $(head -n1 "$file") == "/* SPDX-License-Identifier: Apache-2.0 */" ]] ||
            echo "$file: no licence in the first line"
    done
    for file in "${scripts[@]}"; do
        [[ ! -s $file ]] ||
            head -n3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
            echo "$file: no licence in the first lines"
    done
}

if command -v ctags >/dev/null; then
    findings=$(repeated_names && long_files && without_licence && long_functions)
else
    echo "names: no ctags, so functions go unmeasured"
    findings=$(repeated_names && long_files && without_licence)
fi

verdict names "$findings"
