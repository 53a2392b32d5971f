#!/usr/bin/env bash
# Stories and isolation specs on the newest supported Postgres, which comes in a Python wheel.
# usage: newest.sh     SUITES, TEST and ENGINES narrow or widen it as they do test.sh
. "$(dirname "$0")/common.sh"
newest=18
"$LIB/setup.sh" test
choose_postgres
# The drivers of that wheel do not run; those of the machine's own Postgres drive every version.
DRIVERS=$(dirname "$("$PG_CONFIG" --pgxs)")/../test
PG_CONFIG=$("$LIB/wheel.sh" "$newest") || die "no Postgres $newest in the wheel"
LD_LIBRARY_PATH=$(echo "$BUILD"/headers/wheel/*.libs)
export DRIVERS PG_CONFIG LD_LIBRARY_PATH
SUITES=${SUITES:-stories isolation} ENGINES=${ENGINES:-shared} exec "$LIB/test.sh"
