#!/usr/bin/env bash
# Measures an optimised build on private servers beside its peers; the result goes to build/bench.
# BENCH=quick takes about three minutes. BENCH_SECONDS, BENCH_ROUNDS: how long and how often each script runs.
# usage: bench.sh [profile]
. "$(dirname "$0")/common.sh"
profile=${1:-release}
"$LIB/setup.sh" bench
choose_postgres
"$LIB/build.sh" "$profile"
prefix=$("$LIB/prefix.sh")
"$LIB/install.sh" "$profile" "$prefix"
export BIN=$prefix$PG_BIN
"$LIB/venv.sh"
"$BUILD/venv/bin/python" -B tests/bench/run.py
