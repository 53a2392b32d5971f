#!/usr/bin/env bash
# From nothing to a running example: installs what is missing, builds, starts a private server, runs examples/demo.sql.
. "$(dirname "$0")/common.sh"
"$LIB/setup.sh" build
choose_postgres
"$LIB/build.sh" release

BIN=$PG_BIN
if is_root || [ -w "$("$PG_CONFIG" --pkglibdir)" ] || have sudo; then
    "$LIB/install.sh" release
else
    prefix=$("$LIB/prefix.sh")
    "$LIB/install.sh" release "$prefix"
    BIN=$prefix$PG_BIN
fi
export BIN

say 'starting a private server'
"$LIB/cluster.sh" create demo
export PGHOST PGUSER=postgres
PGHOST=$("$LIB/cluster.sh" folder demo)
"$BIN/createdb" demo
"$BIN/psql" -X -q -d demo -c 'CREATE EXTENSION owostack'
"$BIN/psql" -X -d demo -f examples/demo.sql

say 'the server is yours until "make stop"; connect with'
printf '\n    psql -h %s -U postgres -d demo\n\n' "$PGHOST"
echo "then: SET owostack.organization = 'demo'; SELECT * FROM owo_check('acme', 'gpt-4');"
