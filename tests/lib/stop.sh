#!/usr/bin/env bash
# Ends every private server of this checkout. A temporary folder that stood in for build/server goes with them.
. "$(dirname "$0")/common.sh"
for folder in "$BUILD"/server/*/data; do
    [ -d "$folder" ] || continue
    name=$(basename "$(dirname "$folder")")
    "$LIB/cluster.sh" stop "$name"
    say "stopped $name"
done
[ ! -L "$BUILD/server" ] || remove_server_root
