#!/usr/bin/env bash
# usage: clean.sh [all]     Keeps build/tools and target/, which take minutes to make, unless asked for all.
. "$(dirname "$0")/common.sh"
"$LIB/stop.sh"
remove_server_root
if [ "${1:-}" = all ]; then
    rm -rf -- "$BUILD" "$ROOT/target"
else
    find "$BUILD" -mindepth 1 -maxdepth 1 ! -name tools -exec rm -rf -- {} +
fi
