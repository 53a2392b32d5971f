#!/usr/bin/env bash
# Makes a private copy of the chosen Postgres under the server folder and prints its bin folder, so that
# tests neither need root nor touch an installed extension. A Postgres finds its files relative to its
# program, so a copy that keeps the layout works; where it does not, the tests cannot use this Postgres.
. "$(dirname "$0")/common.sh"
choose_postgres

prefix=$(server_root)/prefix
bin=$prefix$PG_BIN
stamp="$PG_CONFIG $("$PG_CONFIG" --version)"
if [ "$(cat "$prefix/stamp" 2>/dev/null)" != "$stamp" ]; then
    rm -rf "$prefix"
    for folder in "$PG_BIN" "$("$PG_CONFIG" --pkglibdir)" "$("$PG_CONFIG" --sharedir)"; do
        mkdir -p "$prefix$folder"
        # bitcode is for inlining by the just-in-time compiler only, and large
        (cd "$folder" && tar -c --exclude=./bitcode .) | tar -x -C "$prefix$folder"
    done
    [ "$("$bin/pg_config" --pkglibdir)" = "$prefix$("$PG_CONFIG" --pkglibdir)" ] ||
        die "this build of Postgres does not work from another folder: $PG_CONFIG"
    printf '%s' "$stamp" >"$prefix/stamp"
fi
echo "$prefix"
