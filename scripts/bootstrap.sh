#!/bin/sh
# Usage: scripts/bootstrap.sh VENV EXTRA
# Makes the virtual environment VENV with Trackside (editable) and its extra EXTRA in it. A second run with the same
# pyproject.toml does nothing. PYTHON names the interpreter; otherwise the first one that is new enough is taken.
set -eu

venv=$1
extra=$2
want='import sys; sys.exit(sys.version_info < (3, 11))'

fail() {
    printf 'trackside: %s\n' "$1" >&2
    exit 2
}

state() { # what the environment depends on: the folder it stands in, and every line of pyproject.toml
    { pwd && cat pyproject.toml && printf '%s\n' "${PYTHON:-}"; } | cksum
}

is_current() { # the dev extra holds all others
    for installed in "$extra" dev; do
        if [ "$(cat "$venv/.installed-$installed" 2>/dev/null)" = "$(state)" ] && [ -x "$venv/bin/python" ]; then
            return 0
        fi
    done
    return 1
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        command -v "$PYTHON" >/dev/null 2>&1 || fail "PYTHON is '$PYTHON', which is not there."
        "$PYTHON" -c "$want" 2>/dev/null || fail "PYTHON is '$PYTHON', which is older than Python 3.11."
        return
    fi
    for PYTHON in python3 python3.13 python3.12 python3.11 python3.14 python; do
        if "$PYTHON" -c "$want" >/dev/null 2>&1; then
            return
        fi
    done
    fail "needs Python 3.11 or newer, found $(python3 --version 2>/dev/null || echo none); name one: make PYTHON=/path/to/python3.12"
}

is_usable() { # an environment that was moved, or is of another interpreter than asked for, is made again
    [ -x "$venv/bin/python" ] && "$venv/bin/python" -c "$want" 2>/dev/null &&
        "$venv/bin/python" -m pip --version >/dev/null 2>&1 &&
        [ "$(cat "$venv/.made-for" 2>/dev/null || made_for)" = "$(made_for)" ]
}

made_for() {
    printf '%s %s\n' "$(pwd)" "$asked"
}

make_venv() {
    if is_usable; then
        return
    fi
    find_python
    if ! "$PYTHON" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        fail "'$PYTHON' cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv"
    fi
    if ! "$PYTHON" -m venv --clear "$venv" >"$log" 2>&1; then
        fail "could not make the virtual environment $venv: $(tail -n 1 "$log")"
    fi
    made_for >"$venv/.made-for"
}

install() { # uv where it can be had, because it is several times faster; pip does the same
    "$venv/bin/python" -m pip install -q --retries 1 --timeout 20 uv >"$log" 2>&1 || true
    if [ -x "$venv/bin/uv" ] &&
        "$venv/bin/uv" pip install -q --python "$venv/bin/python" -e ".[$extra]" >>"$log" 2>&1; then
        return
    fi
    "$venv/bin/python" -m pip install -q --retries 1 --timeout 20 -e ".[$extra]" >>"$log" 2>&1
}

if is_current; then
    exit 0
fi
asked=${PYTHON:-}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "Setting up $venv ($extra), once; this takes up to a minute ..." >&2
make_venv
if ! install; then
    cp "$log" "$venv/install.log"
    fail "the packages could not be installed: no network? Details: $venv/install.log"
fi
PYTHON=$asked state >"$venv/.installed-$extra"
