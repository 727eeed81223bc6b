#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# SQL lives in sql/queries only, and every statement there is used.
set -euo pipefail
# shellcheck source=t/check/check.bash
source "$(dirname "$0")/check.bash"

mapfile -t files < <(c_files mod_staging)

statements=$(grep -nE \
    '"[^"]*\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE|ALTER TABLE)\b' \
    "${files[@]}" | sed 's/$/   <- belongs in sql\/queries/' || true)

unused=$(
    sed -n 's/^-- name: \([a-z0-9_]*\) .*/\1/p' sql/queries/*.sql |
        while read -r name; do
            grep -qwF "STG_Q_${name^^}" "${files[@]}" ||
                echo "sql/queries: $name is used nowhere"
        done
)

verdict sql "$statements${statements:+${unused:+$'\n'}}$unused"
