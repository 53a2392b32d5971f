# Shared ground of the scripts in this folder: where things are, which Postgres, who runs servers.
# Sourced, never run. Everything made here stays under build/ (servers may need a short directory,
# see server_root); only an install writes elsewhere.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
BUILD=$ROOT/build
LIB=$ROOT/tests/lib
SERVER_USER=postgres
JOBS=${JOBS:-2}
# The one place that says which pgrx: cargo-pgrx must be exactly the version of the crate.
PGRX_VERSION=$(sed -n 's/^pgrx = .*"=\([0-9][0-9.]*\)".*/\1/p' "$ROOT/Cargo.toml")
export PGRX_HOME=$BUILD/pgrx
export PATH=$BUILD/tools/bin:$PATH
# Settings of the caller's shell must not lead a script to another server.
unset PGHOST PGPORT PGUSER PGDATABASE PGPASSWORD PGSERVICE PGOPTIONS PGDATA
mkdir -p "$BUILD"
cd "$ROOT"

say() { printf '==> %s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" = 0 ]; }

# Runs a command with the rights that an installation needs.
as_root() {
    if is_root; then "$@"
    elif have sudo; then sudo "$@"
    else return 126
    fi
}

# Runs a command as the owner of private servers: Postgres refuses to run as root.
as_server() {
    if is_root; then runuser -u "$SERVER_USER" -- env -C / "$@"; else "$@"; fi
}

# Major version of a pg_config, empty when it is none that we support.
pg_major() {
    local version
    version=$("$1" --version 2>/dev/null | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p') || true
    case $version in 15 | 16 | 17 | 18) echo "$version" ;; esac
}

# A pg_config serves us when the server, its headers and its test drivers are there.
pg_is_complete() {
    [ -n "$(pg_major "$1")" ] &&
        [ -x "$("$1" --bindir)/postgres" ] &&
        [ -f "$("$1" --includedir-server)/postgres.h" ] &&
        [ -x "$(dirname "$("$1" --pgxs)")/../test/regress/pg_regress" ]
}

find_pg_config() {
    local candidate
    for candidate in /usr/lib/postgresql/{18,17,16,15}/bin/pg_config /usr/pgsql-{18,17,16,15}/bin/pg_config \
        "$(command -v pg_config || true)"; do
        if [ -n "$candidate" ] && [ -x "$candidate" ] && pg_is_complete "$candidate"; then
            echo "$candidate"
            return
        fi
    done
}

# Sets PG_CONFIG, PG_MAJOR and PG_BIN, or stops.
choose_postgres() {
    [ -n "${PG_CONFIG:-}" ] || PG_CONFIG=$(find_pg_config)
    [ -n "$PG_CONFIG" ] || die "no Postgres 15 to 18 with server, headers and pg_regress found; run 'make setup', or name one with PG_CONFIG=..."
    PG_CONFIG=$(command -v "$PG_CONFIG") || die "PG_CONFIG does not name a program"
    PG_MAJOR=$(pg_major "$PG_CONFIG")
    [ -n "$PG_MAJOR" ] || die "$PG_CONFIG is $("$PG_CONFIG" --version), needed is Postgres 15 to 18"
    PG_BIN=$("$PG_CONFIG" --bindir)
    export PG_CONFIG PG_MAJOR PG_BIN
}

# pgrx reads the Postgres it builds for from a file, which changes only when the choice does:
# a touched file would rebuild the bindings.
configure_pgrx() {
    local wanted
    wanted=$(printf '[configs]\npg%s = "%s"' "$PG_MAJOR" "$PG_CONFIG")
    mkdir -p "$PGRX_HOME"
    [ "$(cat "$PGRX_HOME/config.toml" 2>/dev/null)" = "$wanted" ] || printf '%s\n' "$wanted" >"$PGRX_HOME/config.toml"
}

# Where private servers live. build/server is a plain folder when the server's user may reach it and
# socket paths in it stay below the limit of 107 bytes; else a link to a short temporary one.
server_root() {
    local link=$BUILD/server short
    if [ -d "$link/." ]; then
        (cd "$link" && pwd -P)
        return
    fi
    rm -f "$link"
    mkdir -p "$link"
    is_root && chown "$SERVER_USER" "$link"
    if [ "${#link}" -gt 70 ] || ! as_server test -w "$link" 2>/dev/null; then
        rmdir "$link"
        short=$(mktemp -d "${TMPDIR:-/tmp}/owostack.XXXXXX")
        chmod 755 "$short"
        is_root && chown "$SERVER_USER" "$short"
        ln -s "$short" "$link"
    fi
    (cd "$link" && pwd -P)
}

remove_server_root() {
    local link=$BUILD/server target
    [ -L "$link" ] && target=$(readlink "$link") && rm -rf -- "$target"
    rm -rf -- "$link"
}
