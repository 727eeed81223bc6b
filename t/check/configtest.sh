#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# httpd accepts the configurations that we tell people to copy: the examples
# of the README and conf/staging.conf with every line enabled. Run in a build
# directory, whose module it loads; paths are moved into a scratch folder.
set -euo pipefail
build=$PWD
# shellcheck source=t/check/check.bash
source "$(dirname "$0")/check.bash"

readonly NEEDED="mpm_event authn_core authz_core authz_host authz_user dbd
    deflate headers mime reqtimeout ssl unique_id"
httpd=$(PATH=$PATH:/usr/sbin command -v apache2 || PATH=$PATH:/usr/sbin command -v httpd)
modules=$(apxs -q LIBEXECDIR 2>/dev/null || apxs2 -q LIBEXECDIR)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

make_files() {
    umask 077
    openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=data.example.org \
        -keyout "$scratch/data.example.org.key" \
        -out "$scratch/data.example.org.pem" 2>/dev/null
    openssl rand -base64 48 >"$scratch/staging.secret"
    openssl ecparam -name prime256v1 -genkey -noout 2>/dev/null |
        openssl ec -pubout -out "$scratch/edi-iam.pem" 2>/dev/null
    printf 'key\nsecret\n' >"$scratch/staging.s3"
}

base() {
    printf '%s\n' "ServerRoot \"$scratch\"" 'ServerName localhost' \
        "Define APACHE_LOG_DIR $scratch" 'TypesConfig /dev/null' \
        "ErrorLog \"$scratch/error.log\"" 'Listen 127.0.0.1:8443'
    for module in $NEEDED; do
        echo "LoadModule ${module}_module \"$modules/mod_$module.so\""
    done
    echo "LoadModule staging_module \"$build/.libs/mod_staging.so\""
}

# Nothing may be asked of a database or a store while testing.
localise() {
    sed -e "s|/etc/apache2/|$scratch/|g" \
        -e "s|/etc/ssl/[a-z]*/|$scratch/|g" \
        -e "s|/usr/share/mod_staging|$PWD|g" \
        -e "s|host=[^ \"]*|host=$scratch connect_timeout=1|" \
        -e "s|https://s3\.example\.org|http://127.0.0.1:9|"
}

# example NUMBER: a block of the README.
example() {
    awk -v wanted="$1" '/^```$/ { inside = 0 }
        inside && number == wanted { print }
        /^```apache$/ { inside = 1; number++ }' README
}

# Comments of text have a space behind the #, directives have none.
sample() {
    sed -nE -e 's/^# Not set: //p' -e 's/^#([A-Za-z<]|  +[A-Z<])/\1/p' \
        conf/staging.conf.in
}

# There is no database and no store, which httpd may warn of, but of nothing
# that an example itself says or leaves out.
try() {
    if ! "$httpd" -t -f "$scratch/$1" >"$scratch/output" 2>&1 ||
        grep -qE 'LimitRequestBody|RequestReadTimeout' "$scratch/output"; then
        sed "s|^|$2: |" "$scratch/output"
    fi
}

make_files
example 2 | localise >"$scratch/staging-stores.conf"
(base && { example 3 && example 1; } | localise) >"$scratch/readme.conf"
(base && sample | localise) >"$scratch/sample.conf"
findings=$(
    [[ $(grep -c '^```apache$' README) == 3 ]] ||
        echo "README: $0 knows three examples"
    ! grep -n '@[a-z]*@' "$build"/conf/staging.{load,conf}
    try readme.conf README
    try sample.conf conf/staging.conf.in
)

verdict configtest "$findings"
