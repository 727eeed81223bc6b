#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Shell scripts pass shellcheck. Without it the guard is skipped, aloud.
set -euo pipefail
# shellcheck source=t/check/check.bash
source "$(dirname "$0")/check.bash"

if ! command -v shellcheck >/dev/null; then
    echo "shell: skipped, no shellcheck"
    exit 77
fi

mapfile -t scripts < <(
    find bootstrap .ci t -type f -exec grep -lIE -m1 '^#!/bin/(ba)?sh' {} + | sort
)
verdict shell "$(shellcheck -x -P . "${scripts[@]}" 2>&1 || true)"
