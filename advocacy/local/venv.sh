#!/bin/sh
# Makes .venv from requirements.lock, with hashes, once for each content of that file. Says plainly what is missing.
# All it says goes to standard error: the output of `make services` is for other programs.
set -eu
exec 1>&2

done_for=.venv/requirements.lock
if [ -x .venv/bin/python ] && cmp -s requirements.lock "$done_for" && .venv/bin/python -c '' 2>/dev/null; then
    exit 0
fi

fits() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

if [ -n "${PYTHON:-}" ]; then
    if ! fits "$PYTHON"; then
        echo "PYTHON=$PYTHON is not a Python of version 3.11 or newer: $("$PYTHON" -V 2>&1 || true)"
        exit 1
    fi
    python=$PYTHON
else
    python=
    for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if command -v "$name" >/dev/null 2>&1 && fits "$name"; then
            python=$name
            break
        fi
    done
    if [ -z "$python" ]; then
        if command -v python3 >/dev/null 2>&1; then
            echo "This needs Python 3.11 or newer; python3 here is $(python3 -V 2>&1)."
        else
            echo "This needs Python 3.11 or newer, and there is no python3 on the PATH."
        fi
        echo "Install one (Debian, Ubuntu: apt install python3 python3-venv), or name it: make demo PYTHON=/path/to/python3.12"
        exit 1
    fi
fi

if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "$python ($version) comes without venv and ensurepip, which the project's environment is made with."
    echo "Install them (Debian, Ubuntu: apt install python$version-venv), or name another Python: make demo PYTHON=/path/to/python3"
    exit 1
fi

if ! mkdir -p .venv 2>/dev/null || ! touch .venv/.writable 2>/dev/null; then
    echo "$(pwd) cannot be written to. Put the project where you may write, and start again."
    exit 1
fi
rm -f .venv/.writable "$done_for"

# One that is not whole, of another place, or of an older Python is made anew.
if ! { [ -x .venv/bin/python ] && fits .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1; }; then
    echo "Making .venv with $("$python" -V) …"
    "$python" -m venv --clear .venv
fi
echo "Installing what requirements.lock names (once; about a minute) …"
if ! .venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-input --require-hashes \
    --requirement requirements.lock; then
    echo "The packages could not be installed; pip says why above. Run the same command again when that is mended."
    exit 1
fi
cp requirements.lock "$done_for"
