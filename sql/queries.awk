# SPDX-License-Identifier: Apache-2.0
# sql/queries/*.sql -> mod_staging/db/queries.h
#
# "-- name: label (a, b)" begins a statement and names its parameters $1, $2;
# other comment lines are dropped. Each becomes
#     STG_QUERY(LABEL, label, 2, "text")

function flush_query() {
    if (label == "")
        return
    sub(/;[ \n]*$/, "", text)
    gsub(/\\/, "\\\\", text)
    gsub(/"/, "\\\"", text)
    gsub(/\n/, "\\n\"\n    \"", text)
    printf "STG_QUERY(%s, %s, %d,\n    \"%s\")\n", toupper(label), label, count, text
    label = ""
    text = ""
}

BEGIN { print "/* Made by sql/queries.awk from sql/queries; do not edit. */" }

/^-- name:/ {
    flush_query()
    if (!match($0, /^-- name: [a-z0-9_]+ \([a-z0-9_, ]*\)$/)) {
        printf "%s:%d: want \"-- name: label (a, b)\"\n", FILENAME, FNR > "/dev/stderr"
        exit 1
    }
    label = $3
    if (label in seen) {
        printf "%s:%d: %s is there already\n", FILENAME, FNR, label > "/dev/stderr"
        exit 1
    }
    seen[label] = 1
    list = $0
    sub(/^[^(]*\(/, "", list)
    sub(/\).*$/, "", list)
    count = list == "" ? 0 : split(list, unused, ",")
    next
}

/^ *--/ { next }
/^ *$/ { next }
label != "" { text = text (text == "" ? "" : "\n") $0 }

END { flush_query() }
