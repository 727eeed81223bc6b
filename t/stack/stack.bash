# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What bootstrap and the scripts of this folder share. Sourced, with
# `set -euo pipefail` in force.

say() { printf '%s\n' "$*"; }

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# The user that runs servers and tests when root calls.
readonly SERVER_USER=nobody SERVER_GROUP=nogroup

# as_server COMMAND...: with the rights that a server shall have.
as_server() {
    if ((EUID)); then
        "$@"
    else
        setpriv --reuid="$SERVER_USER" --regid="$SERVER_GROUP" --clear-groups \
            env HOME=/nonexistent USER="$SERVER_USER" "$@"
    fi
}

# own_folder DIR: make it, for the user that runs the servers.
own_folder() {
    [[ $1 =~ ^[A-Za-z0-9/._+@,:=-]+$ ]] ||
        fail "the path $1 has blanks or signs that configuration files" \
            "give a meaning to: choose another folder"
    mkdir -p "$1" || fail "cannot make $1"
    ((EUID)) || chown "$SERVER_USER:$SERVER_GROUP" "$1"
    as_server test -w "$1" -a -x "$1" || ((EUID)) ||
        fail "user $SERVER_USER, which runs the servers when root calls," \
            "cannot reach $1: its parents must be traversable" \
            "(chmod o+x), or choose another folder"
    [[ -w $1 ]] || fail "$1 is not writable"
}

# leave_root DIR ARGUMENTS...: start this script anew without privileges.
leave_root() {
    local dir=$1
    own_folder "$dir"
    ((EUID)) || {
        shift
        as_server "$BASH" "$0" "$@"
        exit
    }
}

# port_answers PORT
port_answers() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

port_is_free() { ! port_answers "$1"; }

# free_port FIRST: the lowest port from FIRST that nobody listens at.
free_port() {
    local port=$1
    while port_answers "$port"; do
        port=$((port + 1))
    done
    echo "$port"
}

# wait_until SECONDS COMMAND...
wait_until() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < end)) || return 1
        sleep 0.05
    done
}

# runs PIDFILE NAME: the process of the file is alive and is called NAME, so
# that a number that has gone to another program is not taken for it.
runs() {
    local pid
    [[ -s $1 ]] && read -r pid <"$1" || return 1
    [[ $(cat "/proc/$pid/comm" 2>/dev/null) == "${2:0:15}" ]] &&
        ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null
}

is_gone() { ! runs "$@"; }

# end_process PIDFILE NAME SIGNAL: and wait until it is gone.
end_process() {
    local pid
    if runs "$1" "$2"; then
        read -r pid <"$1"
        kill "-$3" "$pid" 2>/dev/null || true
        wait_until 20 is_gone "$1" "$2" || kill -KILL "$pid" 2>/dev/null || true
    fi
    rm -f "$1"
}

random_hex() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
