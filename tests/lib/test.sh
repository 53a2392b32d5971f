#!/usr/bin/env bash
# Runs the suites on a private server and ends with the line "N passed, N failed".
# SUITES chooses among: domain stories isolation server; TEST narrows stories, specs and programs to names that contain it.
# ENGINE=shared preloads the library, so that usage is counted in shared memory and the worker runs; the default is table.
. "$(dirname "$0")/common.sh"

SUITES=${SUITES:-domain stories isolation server}
TEST=${TEST:-}
export ENGINE=${ENGINE:-table}
export RESULTS=$BUILD/results.tsv
"$LIB/setup.sh" test
choose_postgres
: >"$RESULTS"

wants() { case " $SUITES " in *" $1 "*) return 0 ;; esac; return 1; }
record() { printf '%s\t%s\n' "$1" "$2" >>"$RESULTS"; }
export -f record

# A suite whose tests report themselves still fails when its program does without a failed test.
run_suite() { # name, command ...
    local name=$1 before status=0
    shift
    before=$(grep -c '^failed' "$RESULTS" || true)
    say "$name"
    "$@" || status=$?
    if [ "$status" != 0 ] && [ "$(grep -c '^failed' "$RESULTS" || true)" = "$before" ]; then
        record failed "$name: ended with status $status"
        printf 'FAILED  %s ended with status %s\n' "$name" "$status"
    fi
}

domain() {
    local log=$BUILD/domain.log status=0 line passed failed
    cargo test -q -p owostack-domain -p owostack-provider -j "$JOBS" >"$log" 2>&1 || status=$?
    while read -r line; do
        passed=$(sed -n 's/.* \([0-9]*\) passed.*/\1/p' <<<"$line")
        failed=$(sed -n 's/.* \([0-9]*\) failed.*/\1/p' <<<"$line")
        for ((; passed > 0; passed--)); do record passed domain; done
        for ((; failed > 0; failed--)); do record failed domain; done
    done < <(grep '^test result:' "$log")
    if [ "$status" != 0 ]; then cat "$log"; else grep '^test result:' "$log" || true; fi
    return "$status"
}

# The server's files stay for a look, unless they are in a temporary folder.
leave() {
    "$LIB/cluster.sh" stop test
    cp -f "$BUILD/server/test/log" "$BUILD/test-server.log" 2>/dev/null || true
    [ ! -L "$BUILD/server" ] || [ -e "$BUILD/server/demo/data/postmaster.pid" ] || remove_server_root
}

# Called under "||", where a shell does not stop at errors by itself.
serve() {
    local prefix
    "$LIB/build.sh" dev || return
    prefix=$("$LIB/prefix.sh") || return
    "$LIB/install.sh" dev "$prefix" || return
    export BIN=$prefix$PG_BIN
    trap leave EXIT
    # What is measured here is right answers; durability has its own tests, on servers they make.
    local preload=()
    [ "$ENGINE" = table ] || preload=(shared_preload_libraries=owostack)
    "$LIB/cluster.sh" create test "${preload[@]}" fsync=off max_connections=120 max_prepared_transactions=10 statement_timeout=120s \
        log_min_messages=warning log_error_verbosity=verbose log_line_prefix='%m %p %d %u ' lc_messages=C || return
    export PGHOST PGUSER=postgres
    PGHOST=$("$LIB/cluster.sh" folder test)
    "$PG_BIN/createdb" owo_template || return
    "$PG_BIN/psql" -X -q -o /dev/null -d owo_template -f "$LIB/template.sql"
}

stories() { "$LIB/regress.sh" stories; }
isolation() { "$LIB/regress.sh" isolation; }

server() {
    "$LIB/venv.sh"
    "$BUILD/venv/bin/python" -B -m pytest -c tests/server/pytest.ini --rootdir tests/server \
        -o cache_dir="$BUILD/pytest" ${TEST:+-k "$TEST"} tests/server
}

! wants domain || run_suite domain domain
if wants stories || wants isolation || wants server; then
    run_suite 'build and server' serve
fi
if [ -n "${PGHOST:-}" ] && ! grep -q '^failed.build and server' "$RESULTS"; then
    ! wants stories || run_suite stories stories
    ! wants isolation || run_suite isolation isolation
    ! wants server || run_suite server server
    # Whatever a test provoked, the server must not have met an internal error or a panic.
    if grep -nE 'XX000|panicked|PANIC:|terminated by signal' "$PGHOST/log" >"$BUILD/alarms.log"; then
        record failed 'server log'
        printf 'FAILED  server log\n'
        head -n 20 "$BUILD/alarms.log"
    else
        record passed 'server log'
    fi
fi

passed=$(grep -c '^passed' "$RESULTS" || true)
failed=$(grep -c '^failed' "$RESULTS" || true)
if [ "$failed" != 0 ]; then
    say 'failed:'
    sed -n 's/^failed\t/    /p' "$RESULTS" | sort | uniq
fi
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
