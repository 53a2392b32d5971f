#!/usr/bin/env bash
# The Python of the server tests, in build/venv, with the pinned packages of tests/server/requirements.txt.
. "$(dirname "$0")/common.sh"
venv=$BUILD/venv
if ! cmp -s tests/server/requirements.txt "$venv/requirements.txt"; then
    rm -rf "$venv"
    python=/usr/bin/python3
    "$python" -c 'import venv, ensurepip' 2>/dev/null || python=python3
    "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install -q --disable-pip-version-check -r tests/server/requirements.txt
    cp tests/server/requirements.txt "$venv/"
fi
