#!/usr/bin/env bash
# A private Postgres server: superuser postgres, reachable through a Unix socket only.
# usage: cluster.sh create NAME [setting=value ...]   (a new one, in place of an earlier)
#        cluster.sh standby NAME OF [setting=value ...]   (a streaming standby of the server OF)
#        cluster.sh start | stop | restart | crash | promote | destroy | folder NAME
# BIN names the folder of server programs, else those of the chosen Postgres are used.
. "$(dirname "$0")/common.sh"

action=$1
name=$2
shift 2
folder=$BUILD/server/$name
if [ "$action" = create ] || [ "$action" = folder ]; then folder=$(server_root)/$name; fi
if [ "$action" = create ]; then
    [ -n "${BIN:-}" ] || { choose_postgres; BIN=$PG_BIN; }
elif [ -e "$folder/bin" ]; then
    # the programs that made a server are the ones that run it
    BIN=$(cat "$folder/bin")
fi

is_running() { as_server "$BIN/pg_ctl" status -D "$folder/data" >/dev/null 2>&1; }

start() {
    is_running && return
    as_server "$BIN/pg_ctl" start -w -t 60 -s -D "$folder/data" -l "$folder/log" ||
        { tail -n 20 "$folder/log" >&2; die "the private server '$name' did not start"; }
}

stop() { # mode
    [ -d "$folder/data" ] || return 0
    if is_running; then
        as_server "$BIN/pg_ctl" stop -w -t 60 -s -m "$1" -D "$folder/data"
    fi
}

settings() { # setting=value ...
    local setting
    echo "listen_addresses = ''"
    echo "unix_socket_directories = '$folder'"
    echo "unix_socket_permissions = 0700"
    for setting in "$@"; do echo "${setting%%=*} = '${setting#*=}'"; done
}

create() {
    local locale=C
    locale -a 2>/dev/null | grep -qix 'c\.utf-\?8' && locale=C.UTF-8
    stop immediate
    rm -rf "$folder"
    as_server mkdir -p "$folder"
    as_server "$BIN/initdb" -D "$folder/data" -U postgres --auth=trust --no-sync -E UTF8 --locale="$locale" \
        >"$BUILD/initdb.log" 2>&1 || { cat "$BUILD/initdb.log" >&2; die "initdb failed"; }
    settings "$@" | as_server tee -a "$folder/data/postgresql.conf" >/dev/null
    echo "$BIN" | as_server tee "$folder/bin" >/dev/null
    start
}

standby() { # of, setting=value ...
    local other
    other=$(server_root)/$1
    shift
    stop immediate
    rm -rf "$folder"
    as_server mkdir -p "$folder"
    as_server "$BIN/pg_basebackup" -h "$other" -U postgres -D "$folder/data" -R --no-sync --checkpoint=fast -X stream
    settings "$@" | as_server tee -a "$folder/data/postgresql.conf" >/dev/null
    echo "$BIN" | as_server tee "$folder/bin" >/dev/null
    start
}

case $action in
    create) create "$@" ;;
    standby) standby "$@" ;;
    promote) as_server "$BIN/pg_ctl" promote -w -t 60 -s -D "$folder/data" ;;
    start) start ;;
    stop) stop fast ;;
    restart) stop fast && start ;;
    crash) stop immediate ;;
    destroy) stop immediate && rm -rf "$folder" ;;
    folder) echo "$folder" ;;
    *) die "unknown action '$action'" ;;
esac
