#!/usr/bin/env bash
# Formatting, clippy with warnings as errors, and the rules that no compiler knows.
. "$(dirname "$0")/common.sh"
"$LIB/setup.sh" lint
choose_postgres
status=0
check() { # what, command ...
    local what=$1
    shift
    if "$@"; then say "$what: ok"; else status=1; printf 'FAILED  %s\n' "$what" >&2; fi
}

none() { # fails when the pattern occurs in the tracked files of the path list
    local pattern=$1
    shift
    ! git grep -nIE "$pattern" -- "$@"
}

dumped() {
    # Tables with users' data must be in dumps; the two that bind a copy to its database must not.
    local table missing=0
    while read -r table; do
        case $table in owo.installation | owo.provider_binding) continue ;; esac
        grep -rqE "pg_extension_config_dump\('${table//./\\.}'" sql/schema || { echo "$table has no pg_extension_config_dump line"; missing=1; }
    done < <(grep -rhoiE '^CREATE (UNLOGGED )?TABLE (IF NOT EXISTS )?owo\.[a-z_]+' sql/schema 2>/dev/null | grep -oE 'owo\.[a-z_]+')
    return "$missing"
}

headed() {
    local file missing=0
    while read -r file; do
        head -n 1 "$file" | grep -q '^//!' || { echo "$file does not open with //!"; missing=1; }
    done < <(git ls-files 'src/*.rs')
    return "$missing"
}

check 'formatting' cargo fmt --all --check
check 'clippy' cargo clippy -q --workspace --all-targets -j "$JOBS" --no-default-features --features "pg$PG_MAJOR" -- -D warnings
check 'no path of a machine' none '(^|[^a-z.])/(home|root|Users)/' . ':!tests/lib/lint.sh'
check 'every source file says what lives in it' headed
check 'every table is dumped' dumped
check 'no tabs and no trailing blanks in SQL' none '	|[ ]+$' 'sql/*.sql' 'tests/sql/*.sql'
# SC2034, SC2317: names that the sourced file sets for others, functions that are called by name.
check 'shell' shellcheck -x -s bash -P tests/lib -e SC2034,SC2317 tests/lib/*.sh .ci/run
exit "$status"
