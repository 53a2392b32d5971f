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
check 'no tabs in the schema' none '	' 'sql/*.sql'
# Stories have tabs between the columns of COPY.
check 'no trailing blanks in SQL' none '[ ]+$' 'sql/*.sql' 'tests/sql/*.sql'
# SC2034, SC2317: names that the sourced file sets for others, functions that are called by name.
check 'shell' shellcheck -x -s bash -P tests/lib -e SC2034,SC2317 tests/lib/*.sh .ci/run
exit "$status"
