"""Enforced tables with many sessions: rows and counts agree whatever they do at once, and a limit is neither passed nor missed."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg import errors
from test_dump import copy
from test_exactness import LEVELS, RETRY, Gate, Worker, savepoint, seed  # noqa: F401 (seed is a fixture)

SESSIONS = 16
SLOTS = 60
UNITS = 300

CATALOG = f"""{{
  "features": [{{"slug": "seats", "type": "entity"}}, {{"slug": "units"}}],
  "plans": [{{"slug": "base", "autoEnable": true, "features": [{{"slug": "seats", "limit": {SLOTS}}}, {{"slug": "units", "limit": {UNITS}}}]}}]
}}"""

COUNTS = """
SELECT (SELECT count(*) FROM item WHERE org = %(c)s), (SELECT count(*) FROM owo_entities(%(c)s, 'seats')),
       (SELECT coalesce(sum(size), 0) FROM item WHERE org = %(c)s), (SELECT usage FROM owo_check(%(c)s, 'units', 0))
"""


@pytest.fixture(params=["statement", "row"])
def ready(request, database):
    """A table of the app, written by a role that holds nothing of owostack, in each mode."""
    database.rows("SELECT owo_sync(%s)", CATALOG, role="owo_admin")
    with database.connect() as app:
        app.execute("SELECT owo_customer('acme'), owo_customer('zeta')")
        app.execute("CREATE TABLE item (id text PRIMARY KEY, org text NOT NULL, size int NOT NULL DEFAULT 1)")
        app.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON item TO owo_nobody")
    database.mode = request.param
    return database


def enforce(database, feature, *arguments):
    with database.connect() as app:
        app.execute(f"SELECT owo_enforce_table('item', %s, 'org', {', '.join(['%s'] * len(arguments) + ['mode => %s'])})", (feature, *arguments, database.mode))


def counts(database, customer) -> tuple:
    """Rows, slots taken, size of the rows, units used."""
    with database.connect() as app:
        return app.execute(COUNTS, {"c": customer}).fetchone()


def insert(size=1, customer="acme"):
    """Writes one row; None when the plan denies it."""

    def take(session, name):
        try:
            with savepoint(session):
                session.execute("INSERT INTO item VALUES (%s, %s, %s)", (name, customer, size))
            return 1
        except errors.CheckViolation as error:
            assert "code=limit_exceeded" in (error.diag.message_detail or "")
            return None

    return take


class Stranger:
    """The database as Worker sees it, with sessions of the role that holds nothing."""

    def __init__(self, database):
        self.database = database

    def connect(self, **options):
        return self.database.connect("owo_nobody", **options)


def hammer(database, level, take, seed) -> int:
    gate = Gate()
    workers = [Worker(Stranger(database), gate, level, take, number, seed) for number in range(SESSIONS)]
    with ThreadPoolExecutor(SESSIONS) as pool:
        return sum(pool.map(Worker.run, workers))


@pytest.mark.parametrize("level", LEVELS)
def test_rows_fill_the_slots_and_never_more(ready, level, seed):
    enforce(ready, "seats", "id")
    told = hammer(ready, level, insert(), seed)
    assert told == SLOTS
    assert counts(ready, "acme")[:2] == (SLOTS, SLOTS)
    assert ready.verify() == []


@pytest.mark.parametrize("level", LEVELS)
def test_rows_use_up_the_units_and_never_more(ready, level, seed):
    enforce(ready, "units", None, "size")
    told = hammer(ready, level, insert(size=7), seed)
    assert told == UNITS // 7
    assert counts(ready, "acme")[2:] == (told * 7, told * 7)
    assert ready.verify() == []


@pytest.mark.parametrize("level", LEVELS)
def test_two_features_of_one_table_are_both_kept(ready, level, seed):
    """The units run out before the slots; a row that one feature denies has not counted for the other."""
    enforce(ready, "seats", "id")
    enforce(ready, "units", None, "size")
    told = hammer(ready, level, insert(size=6), seed)
    assert told == UNITS // 6
    assert counts(ready, "acme") == (told, told, told * 6, told * 6)
    assert ready.verify() == []


def test_rows_move_between_two_customers_both_ways(ready, seed):
    """Whoever deadlocks is told so by Postgres and goes on; no slot is lost or invented."""
    enforce(ready, "seats", "id")
    with ready.connect("postgres") as session:
        session.execute(f"ALTER DATABASE \"{ready.name}\" SET deadlock_timeout = '20ms'")
    with ready.connect() as app:
        app.execute("INSERT INTO item SELECT 'a' || n, 'acme' FROM generate_series(1, 30) AS n")
        app.execute("INSERT INTO item SELECT 'z' || n, 'zeta' FROM generate_series(1, 30) AS n")
    moved = []

    def run(number):
        rng = random.Random(seed * 1000 + number)
        with ready.connect("owo_nobody", autocommit=False) as session:
            for _ in range(15):
                here, there = ("acme", "zeta") if (number + rng.randrange(2)) % 2 else ("zeta", "acme")
                try:
                    for _ in range(rng.randrange(1, 4)):
                        done = session.execute(
                            "UPDATE item SET org = %s WHERE org = %s AND id IN (SELECT id FROM item WHERE org = %s ORDER BY random() LIMIT 2)",
                            (there, here, here),
                        )
                        moved.append(done.rowcount)
                    if rng.random() < 0.2:
                        session.rollback()
                    else:
                        session.commit()
                except (*RETRY, errors.CheckViolation):
                    session.rollback()

    with ThreadPoolExecutor(SESSIONS) as pool:
        list(pool.map(run, range(SESSIONS)))
    assert sum(moved) > 100
    acme, zeta = counts(ready, "acme"), counts(ready, "zeta")
    assert acme[0] == acme[1] and zeta[0] == zeta[1] and acme[0] + zeta[0] == 60
    assert acme[0] <= SLOTS and zeta[0] <= SLOTS
    assert ready.rows("SELECT id FROM item WHERE org = 'acme' EXCEPT SELECT entity FROM owo_entities('acme')") == []
    assert ready.verify() == []


def test_a_table_is_put_under_features_while_others_write(ready):
    """Between the first trigger and the last counted row nothing slips through."""
    written = []

    def write(number):
        with ready.connect("owo_nobody") as session:
            for n in range(150):
                name = f"{number}-{n}"
                session.execute("INSERT INTO item VALUES (%s, %s)", (name, ["acme", "zeta"][number % 2]))
                if n % 10:
                    session.execute("DELETE FROM item WHERE id = %s", (name,))
                written.append(name)

    def wait_for(rows):
        while len(written) < rows and not all(writer.done() for writer in writers):
            time.sleep(0.01)

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, number) for number in range(4)]
        wait_for(60)
        enforce(ready, "seats", "id")
        wait_for(300)
        with ready.connect() as app:
            app.execute("SELECT owo_unenforce_table('item')")
            app.execute("SELECT owo_enforce_table('item', 'seats', 'org', 'id', mode => %s)", (ready.mode,))
        for writer in writers:
            writer.result()
    for customer in ("acme", "zeta"):
        rows, slots, _, _ = counts(ready, customer)
        extra = ready.rows("SELECT entity FROM owo_entities(%s) EXCEPT SELECT id FROM item", customer)
        missing = ready.rows("SELECT id FROM item WHERE org = %s EXCEPT SELECT entity FROM owo_entities(%s)", customer, customer)
        assert missing == []
        # rows that were deleted while nothing watched keep their slots: only what was counted is freed
        assert slots == rows + len(extra)
    assert ready.verify() == []


def test_a_copy_of_a_million_rows_is_charged_once_per_customer(database):
    catalog = '{"features": [{"slug": "units"}], "plans": [{"slug": "base", "autoEnable": true, "features": [{"slug": "units", "limit": 1000000}]}]}'
    database.rows("SELECT owo_sync(%s)", catalog, role="owo_admin")
    with database.connect() as app:
        app.execute("SELECT owo_customer('customer ' || n) FROM generate_series(0, 9) AS n")
        app.execute("CREATE TABLE call (id bigint PRIMARY KEY, org text NOT NULL, route text, at timestamptz, size int)")
        app.execute("SELECT owo_enforce_table('call', 'units', 'org')")
        with app.cursor() as cursor, cursor.copy("COPY call FROM STDIN") as copying:
            for start in range(0, 1_000_000, 10_000):
                lines = (f"{n}\tcustomer {n % 10}\t/v1/search\t2027-01-01 00:00:00+00\t{n % 1000}\n" for n in range(start, start + 10_000))
                copying.write("".join(lines))
        charged = "SELECT count(*), sum(quantity), min(quantity), max(quantity) FROM owo.usage"
        assert app.execute(charged).fetchone() == (10, 1_000_000, 100_000, 100_000)
        with pytest.raises(errors.CheckViolation), app.cursor() as cursor, cursor.copy("COPY call FROM STDIN") as copying:
            for start in range(1_000_000, 2_000_000, 10_000):
                copying.write("".join(f"{n}\tcustomer 1\t\\N\t\\N\t\\N\n" for n in range(start, start + 10_000)))
        assert app.execute("SELECT count(*) FROM call").fetchone() == (1_000_000,)
        assert app.execute(charged).fetchone()[:2] == (10, 1_000_000)
    assert database.verify() == []


def test_a_dump_keeps_tables_enforced_and_counts_nothing_twice(ready, make_database):
    enforce(ready, "seats", "id")
    enforce(ready, "units", None, "size * 2")
    with ready.connect("owo_nobody") as session:
        session.execute("INSERT INTO item SELECT n::text, 'acme', 2 FROM generate_series(1, 20) AS n")
    restored = make_database("_copy", template="template0")
    copy(ready, restored)
    expected = counts(ready, "acme")
    assert expected == (20, 20, 40, 80)
    assert counts(restored, "acme") == expected
    for each in (ready, restored):
        assert each.verify() == []
        assert each.rows("SELECT topic FROM owo.health WHERE topic = 'not_enforced'") == []
        with each.connect("owo_nobody") as session:
            session.execute("INSERT INTO item VALUES ('21', 'acme', 1)")
            with pytest.raises(errors.CheckViolation):
                session.execute("INSERT INTO item SELECT 'x' || n, 'acme', 0 FROM generate_series(1, 40) AS n")
            session.execute("DELETE FROM item WHERE id = '1'")
        assert counts(each, "acme") == (20, 20, 39, 82)
        assert each.verify() == []
