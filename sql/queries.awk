# SPDX-License-Identifier: Apache-2.0
# sql/queries/*.sql -> mod_staging/db/queries.h
#
# "-- name: label (a, b)" begins a statement and names its parameters $1, $2;
# other comment lines are dropped. Each becomes
#     STG_QUERY(LABEL, label, 2, "text")
# "-- text: label" begins what several statements behind it have in common: it
# stands where they say {{label}}.

function refuse(what) {
    printf "%s:%d: %s\n", FILENAME, FNR, what > "/dev/stderr"
    exit 1
}

function filled(text,    name) {
    while (match(text, /\{\{[a-z_]+\}\}/)) {
        name = substr(text, RSTART + 2, RLENGTH - 4)
        if (!(name in texts))
            refuse("there is no text " name " before this")
        text = substr(text, 1, RSTART - 1) texts[name] substr(text, RSTART + RLENGTH)
    }
    return text
}

function flush_query() {
    if (label == "")
        return
    text = filled(text)
    if (is_text) {
        texts[label] = text
        label = ""
        text = ""
        return
    }
    sub(/;[ \n]*$/, "", text)
    gsub(/\\/, "&&", text)
    gsub(/"/, "\\\"", text)
    gsub(/\n/, "\\n\"\n    \"", text)
    printf "STG_QUERY(%s, %s, %d,\n    \"%s\")\n", toupper(label), label, count, text
    label = ""
    text = ""
}

BEGIN { print "/* Made by sql/queries.awk from sql/queries; do not edit. */" }

/^-- name:/ {
    flush_query()
    if (!match($0, /^-- name: [a-z0-9_]+ \([a-z0-9_, ]*\)$/))
        refuse("want \"-- name: label (a, b)\"")
    label = $3
    is_text = 0
    if (label in seen)
        refuse(label " is there already")
    seen[label] = 1
    list = $0
    sub(/^[^(]*\(/, "", list)
    sub(/\).*$/, "", list)
    count = list == "" ? 0 : split(list, unused, ",")
    next
}

/^-- text: [a-z_]+$/ {
    flush_query()
    label = $3
    is_text = 1
    next
}

/^ *--/ { next }
/^ *$/ { next }
label != "" { text = text (text == "" ? "" : "\n") $0 }

END { flush_query() }
