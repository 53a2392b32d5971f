#!/usr/bin/env bash
# Runs the suites on a private server and ends with the line "N passed, N failed".
# SUITES chooses among: domain stories isolation server; TEST narrows stories, specs and programs to names that contain it.
# RUNNERS says how many programs of the server suite run beside each other.
# ENGINES chooses among: table shared. On the second the library is preloaded, so that usage is counted in shared memory
# and workers run; what is answered must be the same.
. "$(dirname "$0")/common.sh"

SUITES=${SUITES:-domain stories isolation server}
TEST=${TEST:-}
ENGINES=${ENGINES:-table shared}
RUNNERS=${RUNNERS:-3}
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
    return "$status"
}

domain() {
    local log=$BUILD/domain.log status=0 line passed failed
    cargo test -q -p owostack-domain -p owostack-provider -p owostack-protocol -j "$JOBS" >"$log" 2>&1 || status=$?
    while read -r line; do
        passed=$(sed -n 's/.* \([0-9]*\) passed.*/\1/p' <<<"$line")
        failed=$(sed -n 's/.* \([0-9]*\) failed.*/\1/p' <<<"$line")
        for ((; passed > 0; passed--)); do record passed domain; done
        for ((; failed > 0; failed--)); do record failed domain; done
    done < <(grep '^test result:' "$log")
    if [ "$status" != 0 ]; then cat "$log"; else grep -E '^test result:| states, ' "$log" || true; fi
    return "$status"
}

# The server's files stay for a look, unless they are in a temporary folder.
leave() {
    "$LIB/cluster.sh" stop test
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
    # Workers would fold at moments of their own while stories and specs say when.
    [ "$ENGINE" = table ] || preload=(shared_preload_libraries=owostack owostack.worker=off)
    "$LIB/cluster.sh" create test "${preload[@]}" fsync=off max_connections=250 max_prepared_transactions=10 statement_timeout=120s \
        log_min_messages=warning log_error_verbosity=verbose log_line_prefix='%m %p %d %u ' lc_messages=C || return
    export PGHOST PGUSER=postgres
    PGHOST=$("$LIB/cluster.sh" folder test)
    "$PG_BIN/createdb" owo_template || return
    "$PG_BIN/psql" -X -q -o /dev/null -d owo_template -f "$LIB/template.sql"
}

stories() { "$LIB/regress.sh" stories; }
isolation() { "$LIB/regress.sh" isolation; }

server() {
    local programs=(tests/server) status=0
    # Once for all runners: none of them may find the others' half of an installation.
    "$LIB/venv.sh" || return
    "$LIB/node.sh" || return
    if [ "$ENGINE" = shared ]; then
        # Those that make servers of their own choose what is preloaded there; those of the fakes alone need no server.
        mapfile -t programs < <(grep -LE '^(from preloaded import|import fake$)' tests/server/test_*.py)
        "$PG_BIN/psql" -X -q -o /dev/null -d postgres -c 'ALTER SYSTEM SET owostack.worker = on' -c 'SELECT pg_reload_conf()' || return
    fi
    # Each program by one of several runners: they wait for servers and workers more than they reckon.
    "$BUILD/venv/bin/python" -B -m pytest -c tests/server/pytest.ini --rootdir tests/server \
        -n "$RUNNERS" --dist loadfile --durations=25 ${TEST:+-k "$TEST"} "${programs[@]}" || status=$?
    # 5: TEST chose none of them
    [ "$status" = 5 ] || return "$status"
}

# Whatever a test provoked, the server must not have met an internal error or a panic.
server_log() {
    cp -f "$PGHOST/log" "$BUILD/test-server-$ENGINE.log"
    if grep -nE '  XX000:|panicked|PANIC:|terminated by signal' "$PGHOST/log" >"$BUILD/alarms.log"; then
        head -n 20 "$BUILD/alarms.log"
        return 1
    fi
    record passed "$ENGINE: server log"
}

! wants domain || run_suite domain domain || true
if wants stories || wants isolation || wants server; then
    for ENGINE in $ENGINES; do
        export ENGINE
        if run_suite "$ENGINE engine: build and server" serve; then
            for suite in stories isolation server; do
                ! wants "$suite" || run_suite "$ENGINE engine: $suite" "$suite" || true
            done
            run_suite "$ENGINE engine: server log" server_log || true
        fi
    done
fi

passed=$(grep -c '^passed' "$RESULTS" || true)
failed=$(grep -c '^failed' "$RESULTS" || true)
if [ "$failed" != 0 ]; then
    say 'failed:'
    sed -n 's/^failed\t/    /p' "$RESULTS" | sort | uniq
fi
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
