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
    { pwd && cat pyproject.toml && printf '%s\n' "$asked"; } | cksum
}

is_current() { # the dev extra holds all others
    for installed in "$extra" dev; do
        if [ "$(cat "$venv/.installed-$installed" 2>/dev/null)" = "$(state)" ] && [ -x "$venv/bin/python" ]; then
            return 0
        fi
    done
    return 1
}

can_make_venvs() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

find_python() { # the first one that is new enough and complete; Debian's comes without its venv part
    if [ -n "$asked" ]; then
        command -v "$asked" >/dev/null 2>&1 || fail "PYTHON is '$asked', which is not there."
        "$asked" -c "$want" 2>/dev/null || fail "PYTHON is '$asked', which is older than Python 3.11."
        can_make_venvs "$asked" || fail_without_venv "$asked"
        python=$asked
        return
    fi
    incomplete=
    for python in python3 python3.13 python3.12 python3.11 python3.14 python; do
        if "$python" -c "$want" >/dev/null 2>&1; then
            can_make_venvs "$python" && return
            incomplete=${incomplete:-$python}
        fi
    done
    [ -z "$incomplete" ] || fail_without_venv "$incomplete"
    found=$(python3 --version 2>/dev/null || echo none)
    fail "needs Python 3.11 or newer, found: $found. Name one: make PYTHON=/path/to/python3.12"
}

fail_without_venv() {
    fail "$1 cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv"
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
    echo "Setting up $venv, once; this takes up to a minute ..." >&2
    if ! "$python" -m venv --clear "$venv" >"$log" 2>&1; then
        fail "could not make the virtual environment $venv: $(tail -n 1 "$log")"
    fi
    made_for >"$venv/.made-for"
}

install() { # uv where it can be had, because it is several times faster; pip does the same
    "$venv/bin/python" -m pip install -q uv >"$log" 2>&1 || true
    if [ -x "$venv/bin/uv" ] &&
        "$venv/bin/uv" pip install -q --python "$venv/bin/python" -e ".[$extra]" >>"$log" 2>&1; then
        return
    fi
    "$venv/bin/python" -m pip install -q -e ".[$extra]" >>"$log" 2>&1
}

install_curl() { # a quarter of the CPU of what leaves; only where it comes ready made, and nothing is lacking without it
    if [ -x "$venv/bin/uv" ]; then
        "$venv/bin/uv" pip install -q --python "$venv/bin/python" --only-binary pycurl -e ".[curl]" >>"$log" 2>&1 || true
    else
        "$venv/bin/python" -m pip install -q --only-binary pycurl -e ".[curl]" >>"$log" 2>&1 || true
    fi
}

asked=${PYTHON:-}
if is_current; then
    exit 0
fi
# without a network the answer comes in seconds, also from the processes pip starts
export PIP_RETRIES=1 PIP_DEFAULT_TIMEOUT="${PIP_DEFAULT_TIMEOUT:-20}" UV_HTTP_RETRIES=1 PIP_DISABLE_PIP_VERSION_CHECK=1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
make_venv
echo "Installing Trackside and what its extra '$extra' needs ..." >&2
if ! install; then
    cp "$log" "$venv/install.log"
    fail "the packages could not be installed: no network? Details: $venv/install.log"
fi
if [ "$extra" = server ]; then
    install_curl
fi
state >"$venv/.installed-$extra"
