#!/usr/bin/env bash
# Installs what is missing: packages through apt, the pinned cargo-pgrx from its registry into build/tools.
# usage: setup.sh [build | lint | test | bench]   (test and bench also need Python with venv, lint a checker of shell
# scripts, bench a Redis to be measured beside)
. "$(dirname "$0")/common.sh"

purpose=${1:-build}
packages=()
names=()

need() { # what it is for a reader, then its package
    names+=("$1")
    shift
    packages+=("$@")
}

libclang_is_there() {
    [ -n "${LIBCLANG_PATH:-}" ] || ldconfig -p 2>/dev/null | grep -q 'libclang[-.0-9]*\.so' ||
        compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null
}

# The one major version that the distribution's package "postgresql" stands for.
distribution_postgres() {
    apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1
}

apt_update() {
    as_root apt-get update -q >"$BUILD/apt.log" 2>&1 || warn "apt-get update was not clean (build/apt.log), going on with what it has"
}

have cargo || die "cargo is missing: install Rust $(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) or newer first (rustup)"
have cc || need 'a C compiler' build-essential
{ libclang_is_there && have clang; } || need 'clang and libclang' clang libclang-dev
pgrx_is_there() { [ "$(cargo pgrx --version 2>/dev/null)" = "cargo-pgrx $PGRX_VERSION" ]; }
# cargo-pgrx links OpenSSL; the extension does not.
pgrx_is_there || pkg-config --exists openssl 2>/dev/null || need 'OpenSSL headers' pkg-config libssl-dev
have runuser || ! is_root || need 'runuser' util-linux
if { [ "$purpose" = test ] || [ "$purpose" = bench ]; } && ! /usr/bin/python3 -c 'import venv, ensurepip' 2>/dev/null; then
    need 'Python 3 with venv' python3 python3-venv
fi
[ "$purpose" != test ] || { have node && have npm; } || need 'Node' nodejs npm
[ "$purpose" != test ] || have openssl || need 'OpenSSL' openssl
[ "$purpose" != lint ] || have shellcheck || need 'shellcheck' shellcheck
[ "$purpose" != bench ] || { have redis-server && have redis-benchmark; } || need 'Redis' redis-server redis-tools
wants_postgres=
if [ -n "${PG_CONFIG:-}" ]; then
    choose_postgres
elif [ -z "$(find_pg_config)" ]; then
    wants_postgres=yes
    names+=('Postgres 15 to 18 with its server headers')
fi

if [ "${#names[@]}" -gt 0 ]; then
    if ! have apt-get; then
        printf 'missing: %s\n' "${names[@]}" >&2
        die "this system has no apt-get: install what is listed above by its own means, then run the command again"
    fi
    is_root || have sudo || die "missing: ${names[*]}; become root or install sudo, then run the command again"
    say "installing: ${names[*]}"
    apt_update
    if [ -n "$wants_postgres" ]; then
        major=$(distribution_postgres)
        case $major in
            15 | 16 | 17 | 18) packages+=("postgresql-$major" "postgresql-server-dev-$major") ;;
            *) die "the distribution's Postgres is '${major:-none}', needed is 15 to 18" ;;
        esac
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${packages[@]}" \
        >>"$BUILD/apt.log" 2>&1 || { tail -n 20 "$BUILD/apt.log" >&2; die "apt-get install ${packages[*]} failed"; }
fi

choose_postgres
pg_is_complete "$PG_CONFIG" || die "$PG_CONFIG lacks the server, its headers or pg_regress (Debian: postgresql-$PG_MAJOR and postgresql-server-dev-$PG_MAJOR)"
configure_pgrx

if ! pgrx_is_there; then
    say "building cargo-pgrx $PGRX_VERSION (once)"
    CARGO_TARGET_DIR=$BUILD/tools/target cargo install cargo-pgrx --version "=$PGRX_VERSION" --locked --debug \
        --root "$BUILD/tools" -j "$JOBS" -q
    rm -rf "$BUILD/tools/target"
fi
