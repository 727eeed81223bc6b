#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What is secret is compared by stg_secret_equal() or CRYPTO_memcmp() only,
# whose time tells nothing (CWE-208).
set -euo pipefail
# shellcheck source=t/check/check.bash
source "$(dirname "$0")/check.bash"

readonly secret='secret|signature|password|sha256|bearer|cookie|hmac|\bmac\b'

mapfile -t files < <(c_files mod_staging)

# Texts in quotes are names of secrets, not secrets.
compared=$(
    grep -nE '\b(mem|str|strn|strcase|strncase)cmp\(' "${files[@]}" |
        sed 's/"[^"]*"//g' |
        grep -E "cmp\\([^()]*($secret)" || true
)
verdict secrets "$compared"
