#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Nothing in the tree names a place on somebody's machine or a package
# registry. (Patterns are written so that they do not match themselves.)
set -euo pipefail
# shellcheck source=t/check/check.bash
source "$(dirname "$0")/check.bash"

readonly BEFORE='(^|[^A-Za-z0-9_.~-])'
readonly PLACES="$BEFORE/(work/(main|share[d])|roo[t]/|hom[e]/|tmp/build|User[s]/)"
readonly HOSTS='(registr[y]\.[a-z]|npmj[s]\.|pyp[i]\.|crate[s]\.io|proxy\.golan[g]|(deb|security)\.debia[n]\.org)'

trees=()
for tree in mod_staging t sql conf htdocs man .ci bootstrap README \
    Makefile.am configure.ac; do
    [[ -e $tree ]] && trees+=("$tree")
done

findings=$(grep -rnIE --exclude-dir=.deps --exclude-dir=.libs \
    --exclude-dir=__pycache__ --exclude-dir=node_modules --exclude-dir=assets \
    --exclude='*.l[ao]' --exclude='*.conf' --exclude='*.load' \
    "$PLACES|$HOSTS" "${trees[@]}" | cut -c1-200 || true)

verdict paths "$findings"
