#!/usr/bin/env bash
# Builds the extension as a tree of files below build/package-<profile>, laid out like the chosen Postgres.
# usage: build.sh dev | release
. "$(dirname "$0")/common.sh"
choose_postgres
configure_pgrx

profile=$1
output=$BUILD/package-$profile
rm -rf "$output"
say "building for Postgres $PG_MAJOR ($profile)"
cargo pgrx package --profile "$profile" --pg-config "$PG_CONFIG" --no-default-features \
    --features "pg$PG_MAJOR" --out-dir "$output" >"$BUILD/build-$profile.log" 2>&1 ||
    { cat "$BUILD/build-$profile.log" >&2; die "the build failed"; }
