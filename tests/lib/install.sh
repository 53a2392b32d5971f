#!/usr/bin/env bash
# Copies a built tree into the chosen Postgres, or into a private copy of it.
# usage: install.sh dev | release [prefix]
. "$(dirname "$0")/common.sh"
choose_postgres

package=$BUILD/package-$1
prefix=${2:-}
library=$("$PG_CONFIG" --pkglibdir)
share=$("$PG_CONFIG" --sharedir)/extension

run() { if [ -n "$prefix" ] || [ -w "$library" ]; then "$@"; else as_root "$@"; fi; }

if [ -z "$prefix" ] && ! [ -w "$library" ] && ! is_root && ! have sudo; then
    die "$library is not writable: become root or install sudo"
fi
# The library is renamed into place: a server that has the old one loaded goes on undisturbed, and a session
# that loads it meanwhile finds one or the other whole.
run install -d "$prefix$library" "$prefix$share"
run find "$prefix$share" -maxdepth 1 -name 'owostack--*.sql' -delete
for file in "$package$library"/owostack.*; do
    name=${file##*/}
    run install -m 755 "$file" "$prefix$library/.$name.new"
    run mv -f "$prefix$library/.$name.new" "$prefix$library/$name"
done
run install -m 644 "$package$share"/owostack* "$prefix$share/"
say "installed into ${prefix:+the private copy of }Postgres $PG_MAJOR"
