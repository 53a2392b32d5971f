"""Databases and the extension come and go while workers run; none of these commands fails because of a worker."""

import os
import re
import subprocess
import threading
import time
from pathlib import Path

import psycopg
import pytest
from preloaded import Server, wait_for


@pytest.fixture(scope="module")
def server():
    server = Server("commands")
    yield server
    alarms = server.alarms()
    told = [line for line in server.log().splitlines() if re.search("owostack (worker|launcher) .*(WARNING|ERROR|FATAL)", line)]
    server.destroy()
    assert alarms == []
    assert told == [], "no worker was started for a database that was gone, or missed what was dropped"


@pytest.fixture
def shop(server, request):
    name = request.node.name.removeprefix("test_")[:60]
    server.shop(name)
    wait_for(lambda: server.workers(name), "a worker")
    yield name
    server.rows(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def test_databases_come_and_go(server):
    for number in range(6):
        name = f"come_and_go_{number % 3}"
        server.shop(name)
        if number % 2:
            server.folded(name)
        server.rows(f'DROP DATABASE "{name}"')
    assert server.workers() == []


def test_drop_database_under_load(server, shop):
    """The last session goes, the worker is in the middle of it: DROP DATABASE still needs no FORCE."""
    with server.connect(shop) as session:
        session.execute("SELECT count(owo_track('acme', 'calls')) FROM generate_series(1, 1000)")
    server.rows(f'DROP DATABASE "{shop}"')


def test_drop_database_by_its_owner(server, shop):
    server.rows("DROP ROLE IF EXISTS landlord")
    server.rows("CREATE ROLE landlord LOGIN CREATEDB")
    server.rows(f'ALTER DATABASE "{shop}" OWNER TO landlord')
    server.rows(f'DROP DATABASE "{shop}" WITH (FORCE)', role="landlord")
    server.rows("DROP ROLE landlord")


def test_who_may_not_drop_disturbs_nobody(server, shop):
    server.rows("DROP ROLE IF EXISTS stranger")
    server.rows("CREATE ROLE stranger LOGIN CREATEDB")
    before = server.workers(shop)
    for command in (f'DROP DATABASE "{shop}"', f'ALTER DATABASE "{shop}" RENAME TO mine', f'CREATE DATABASE mine TEMPLATE "{shop}"'):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            server.rows(command, role="stranger")
    assert server.workers(shop) == before
    server.rows("DROP ROLE stranger")


def test_create_database_from_template(server, shop):
    server.folded(shop)
    server.rows(f'CREATE DATABASE copied TEMPLATE "{shop}"')
    server.track(shop)
    server.folded(shop)
    assert server.workers("copied") == [], "nothing runs in a copy before its first call"
    assert server.status("copied")["state"] == "resting"
    server.track("copied")
    server.folded("copied")
    server.rows("DROP DATABASE copied")


def test_errors_of_commands_keep_their_fields(server, shop):
    server.rows("CREATE TABLE public.word AS SELECT 'a'::text AS word FROM generate_series(1, 2)", database=shop)
    with pytest.raises(psycopg.errors.UniqueViolation) as caught:
        server.rows("DO $$BEGIN ALTER TABLE public.word ADD CONSTRAINT word_key UNIQUE (word); END$$", database=shop)
    told = caught.value.diag
    assert (told.constraint_name, told.table_name, told.schema_name) == ("word_key", "word", "public")
    assert "PL/pgSQL function" in told.context and told.message_detail == "Key (word)=(a) is duplicated."
    with pytest.raises(psycopg.errors.UndefinedTable) as caught:
        server.rows("DROP TABLE public.missing", database=shop)
    assert caught.value.diag.source_function == "DropErrorMsgNonExistent"


def test_rename_and_tablespace(server, shop):
    with server.connect(shop) as session:
        session.execute("SELECT count(owo_track('acme', 'calls')) FROM generate_series(1, 500)")
    server.rows(f'ALTER DATABASE "{shop}" RENAME TO renamed')
    server.folded("renamed")
    folder = server.folder / "space"
    make = ["mkdir", "-p", str(folder)]
    subprocess.run(["runuser", "-u", "postgres", "--", *make] if os.getuid() == 0 else make, check=True)
    server.rows(f"CREATE TABLESPACE space LOCATION '{folder}'")
    server.track("renamed")
    server.rows("ALTER DATABASE renamed SET TABLESPACE space")
    server.folded("renamed")
    server.rows(f'ALTER DATABASE renamed RENAME TO "{shop}"')
    server.folded(shop)
    server.rows(f'DROP DATABASE "{shop}"')
    server.rows("DROP TABLESPACE space")


def test_a_failing_command_brings_the_worker_back(server, shop):
    with server.connect(shop), pytest.raises(psycopg.errors.ObjectInUse):
        server.rows(f'ALTER DATABASE "{shop}" RENAME TO taken')
    server.track(shop)
    server.folded(shop)
    with server.connect(autocommit=False) as session:
        for number in range(40):
            session.execute(f'ALTER DATABASE "{shop}" CONNECTION LIMIT {number}')
        session.execute(f'ALTER DATABASE "{shop}" RENAME TO taken')
        session.rollback()
    server.track(shop)
    server.folded(shop)


def test_nothing_runs_in_a_template(server, shop):
    server.folded(shop)
    server.rows(f'ALTER DATABASE "{shop}" IS_TEMPLATE true')
    wait_for(lambda: server.workers(shop) == [], "the worker leaves")
    server.track(shop)
    time.sleep(0.5)
    assert server.workers(shop) == [] and server.pending(shop) == 1
    server.rows(f'ALTER DATABASE "{shop}" IS_TEMPLATE false')
    server.folded(shop)


def test_drop_extension_while_it_runs(server, shop):
    for _ in range(3):
        server.rows("SELECT count(owo_track('acme', 'calls')) FROM generate_series(1, 500)", database=shop)
        server.rows("DROP EXTENSION owostack", database=shop)
        wait_for(lambda: server.workers(shop) == [], "the worker leaves")
        server.stock(shop)
        server.folded(shop)


def test_an_open_drop_extension_makes_no_error_loop(server, shop):
    server.folded(shop)
    with server.connect(shop, autocommit=False) as session:
        session.execute("DROP EXTENSION owostack")
        time.sleep(0.5)
        session.rollback()
    server.track(shop)
    server.folded(shop)
    assert server.status(shop)["errors"] == 0


def test_a_locked_table_does_not_hold_up_drop_database(server, shop):
    """The worker waits for a lock; the session that has it ends with the database."""
    server.folded(shop)
    session = server.connect(shop, autocommit=False)
    session.execute("LOCK TABLE owo.usage_daily")
    server.track(shop)
    time.sleep(0.3)
    session.close()
    server.rows(f'DROP DATABASE "{shop}"')


def test_a_restore_is_not_disturbed(server, shop):
    """A worker rests while rows stream in, and begins with the first call."""
    server.folded(shop)
    server.track(shop)
    programs = Path(os.environ["BIN"])
    server.rows("CREATE DATABASE restored TEMPLATE template0")
    dump = subprocess.Popen([programs / "pg_dump", "-h", server.folder, "-U", "postgres", shop], stdout=subprocess.PIPE)
    restore = subprocess.run(
        [programs / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", server.folder, "-U", "postgres", "-d", "restored"],
        stdin=dump.stdout, capture_output=True, text=True,
    )
    assert dump.wait() == 0 and restore.returncode == 0, restore.stderr
    assert server.workers("restored") == []
    before = server.value("SELECT sum(quantity) FROM owo.usage", database="restored")
    server.track("restored")
    server.folded("restored")
    assert server.value("SELECT sum(quantity) FROM owo.usage", database="restored") == before + 1
    server.rows("DROP DATABASE restored")


def test_many_databases_at_once(server):
    names = [f"crowd_{number}" for number in range(4)]
    threads = [threading.Thread(target=server.shop, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in names:
        server.folded(name)
    for name in names:
        server.rows(f'DROP DATABASE "{name}"')
