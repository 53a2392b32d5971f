#!/usr/bin/env bash
# Runs tests/sql with pg_regress or tests/isolation with pg_isolation_regress, each file in its own copy of the
# database owo_template, on the server that PGHOST names. Sessions are superusers acting as owo_app: a story says
# SET ROLE owo_admin, owo_reader, owo_nobody or postgres where it needs another, and RESET ROLE to come back.
# usage: regress.sh stories | isolation        ACCEPT=1 takes the results as the expected ones; DRIVERS names the folder
# of the drivers, where they are not those of the server
suite=$1
host=$PGHOST
. "$(dirname "$0")/common.sh"
choose_postgres
export PGHOST=$host PGUSER=postgres PGOPTIONS='-c role=owo_app'
drivers=${DRIVERS:-$(dirname "$("$PG_CONFIG" --pgxs)")/../test}
inputs=$BUILD/regress/$suite
rm -rf "$inputs"
mkdir -p "$inputs"
case $suite in
    stories) tests=$ROOT/tests/sql kind=sql driver=$drivers/regress/pg_regress folder=sql template=owo_template ;;
    isolation) tests=$ROOT/tests/isolation kind=spec driver=$drivers/isolation/pg_isolation_regress folder=specs template=owo_isolation ;;
esac
[ -x "$driver" ] || die "$driver is missing"
ln -s "$tests" "$inputs/$folder"
ln -s "$tests/expected" "$inputs/expected"
export suite inputs driver tests template ACCEPT=${ACCEPT:-} PG_BIN

one() {
    local name=$1 output=$inputs/out-$1 begun
    begun=$(date +%s%N)
    mkdir -p "$output"
    PGOPTIONS='' "$PG_BIN/createdb" -T "$template" "${suite}_$name" || { printf 'failed\t%s: %s/%s\n' "$ENGINE" "$suite" "$name" >>"$RESULTS"; return; }
    # pg_regress sets a zone and a date style of its own; the launcher puts ours in front of psql.
    if "$driver" --bindir="$PG_BIN" --use-existing --dbname="${suite}_$name" --inputdir="$inputs" --outputdir="$output" \
        ${LAUNCHER:+--launcher="$LAUNCHER"} "$name" >"$output/driver.log" 2>&1 &&
        ! grep -rq '^syntax error at line' "$output/results"; then
        printf 'passed\t%s: %s/%s\n' "$ENGINE" "$suite" "$name" >>"$RESULTS"
        printf 'ok      %s (%s ms)\n' "$suite/$name" $((($(date +%s%N) - begun) / 1000000))
        PGOPTIONS='' "$PG_BIN/dropdb" --force "${suite}_$name"
    elif [ -n "$ACCEPT" ]; then
        find "$output" -name "$name.out" -exec cp {} "$tests/expected/$name.out" \;
        printf 'taken   %s\n' "$suite/$name"
    else
        printf 'failed\t%s: %s/%s\n' "$ENGINE" "$suite" "$name" >>"$RESULTS"
        printf 'FAILED  %s\n' "$suite/$name"
        if [ -s "$output/regression.diffs" ]; then head -n "${DIFF_LINES:-60}" "$output/regression.diffs"; else tail -n 20 "$output/driver.log"; fi
    fi
}
export -f one

if [ "$suite" = isolation ]; then
    PGOPTIONS='' "$PG_BIN/dropdb" --if-exists --force "$template" 2>/dev/null
    PGOPTIONS='' "$PG_BIN/createdb" -T owo_template "$template"
    "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -d "$template" -f "$tests/setup.sql"
fi
[ "$suite" != stories ] || export LAUNCHER='env PGTZ=UTC PGDATESTYLE=ISO,YMD'
find "$tests" -maxdepth 1 -name "*${TEST:-}*.$kind" -printf '%f\n' | sed "s/\.$kind\$//" | sort |
    xargs -r -P "$JOBS" -I NAME bash -c 'one NAME'
