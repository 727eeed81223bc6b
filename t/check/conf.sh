#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Every directive of directives.h stands, with its default and its help, in
# conf/staging.conf.in and mod_staging(7); and none stands anywhere that is
# not there.
set -euo pipefail
# shellcheck source=t/check/check.bash
source "$(dirname "$0")/check.bash"

readonly list=mod_staging/web/directives.h
readonly sample=conf/staging.conf.in manual=man/mod_staging.7

# name, default (or NULL) and help, with tabs between them.
directives() {
    sed -nE 's/^STG_(POLICY|SERVER)\([A-Z]+, *"([^"]*)", *[a-z_]+, *("([^"]*)"|NULL), *"(.*)"\)$/\2\t\3\t\5/p' \
        "$list"
}

# sample_has LINE HELP: the line, with its help right before it.
sample_has() {
    HELP="# $2." LINE=$1 awk '
        index($0, ENVIRON["LINE"]) == 1 && before == ENVIRON["HELP"] { found = 1 }
        { before = $0 }
        END { exit !found }' "$sample"
}

check_directive() {
    local name=$1 value=$2 help=$3
    if [[ $value == NULL ]]; then
        sample_has "# Not set: $name " "$help" ||
            echo "$sample: no \"# Not set: $name ...\" below \"# $help.\""
        grep -q "^\.BI $name " "$manual" || echo "$manual: no $name"
    else
        value=${value//\"/}
        sample_has "#$name $value" "$help" && grep -qxF "#$name $value" "$sample" ||
            echo "$sample: no \"#$name $value\" below \"# $help.\""
        grep -qxF ".B $name $value" "$manual" ||
            echo "$manual: no \".B $name $value\""
    fi
}

# Words like directives in what people read and copy.
unknown() {
    grep -noE '\bStaging[A-Z][A-Za-z]+' "$sample" conf/demo.conf.in "$manual" \
        man/stagingctl.8 README mod_staging/README t/README |
        while IFS=: read -r file line name; do
            directives | cut -f1 | grep -qxF "$name" ||
                echo "$file:$line: there is no directive $name"
        done
}

findings=$(
    while IFS=$'\t' read -r name value help; do
        check_directive "$name" "$value" "$help"
    done < <(directives)
    [[ $(directives | wc -l) == $(grep -cE '^STG_(POLICY|SERVER)\(' "$list") ]] ||
        echo "$list: a line cannot be read by $0"
    unknown
)

verdict conf "$findings"
