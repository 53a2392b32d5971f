"""A standby answers from its tables while it replays, and counts in shared memory once it is promoted (protocol 15)."""

import threading
import time

import psycopg
import pytest
from preloaded import Server, wait_for
from psycopg import errors

LIMIT = 300
CATALOG = """{"features": [{"slug": "calls"}, {"slug": "seats", "type": "entity"}, {"slug": "images"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 5}]}],
  "plans": [{"slug": "base", "autoEnable": true, "features": [
    {"slug": "calls", "limit": 300, "reset": "never"}, {"slug": "seats", "limit": 4}, {"slug": "credits", "limit": 500, "reset": "never"}]}]}"""
CHECK = "SELECT usage, usage_limit FROM owo_check('acme', 'calls', 0)"
LOOK = """SELECT f, (d).allowed, (d).code, (d).usage, (d).usage_limit, (d).balance, (d).credits - 'resets_at'
            FROM (SELECT f, owo_check('acme', f) AS d FROM unnest('{calls,seats,images}'::text[]) AS f) AS x"""


@pytest.fixture
def pair():
    primary = Server("one", owostack__worker="off")
    primary.rows("CREATE EXTENSION owostack")
    primary.rows("SELECT owo_sync(%s)", CATALOG)
    primary.rows("SELECT owo_customer('acme')")
    standby = Server("two", of=primary, owostack__worker="off")
    yield primary, standby
    alarms = primary.alarms() + standby.alarms() if primary.is_up() else standby.alarms()
    standby.destroy()
    primary.destroy()
    assert alarms == []


def replayed(primary: Server, standby: Server):
    """Waits until the standby shows what the primary has committed."""
    there = primary.value("SELECT pg_current_wal_lsn()")
    wait_for(lambda: standby.value("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", there), "the standby has caught up")


def test_checks_during_replay_then_promotion_then_tracking(pair):
    primary, standby = pair
    old = [standby.connect() for _ in range(3)]
    writer = primary.connect()

    # sessions that have asked before see every change as soon as it is replayed
    steps = [
        "SELECT owo_track('acme', 'calls', 7)",
        "SELECT owo_track('acme', 'calls', -2)",
        "SELECT owo_worker_tick()",
        "SELECT owo_entity_add('acme', 'seats', 'ada')",
        "SELECT owo_track('acme', 'images', 3)",
        "UPDATE owo.plan_feature SET limit_amount = 200 WHERE limit_amount = 300",
        "SELECT owo_override('acme', 'seats', usage_limit => 1)",
        "SELECT owo_credit_grant('acme', 'credits', 20)",
        "UPDATE owo.plan_feature SET limit_amount = 300 WHERE limit_amount = 200",
        "SELECT owo_override_remove('acme', 'seats')",
    ]
    for step in steps:
        writer.execute(step)
        replayed(primary, standby)
        expected = writer.execute(LOOK).fetchall()
        for session in old:
            assert session.execute(LOOK).fetchall() == expected, step
    with primary.connect(autocommit=False) as unfinished:
        unfinished.execute("SELECT owo_track('acme', 'calls', 50)")
        assert unfinished.execute(CHECK).fetchone() == (55, LIMIT)
        writer.execute("SELECT pg_switch_wal()")
        replayed(primary, standby)
        assert old[0].execute(CHECK).fetchone() == (5, LIMIT), "an open take is not replayed"
        unfinished.rollback()
    for call in ("owo_track('acme', 'calls')", "owo_reserve('acme', 'calls')", "owo_entity_add('acme', 'seats', 'bob')"):
        with pytest.raises(errors.ReadOnlySqlTransaction):
            old[0].execute(f"SELECT {call}")
    assert standby.rows("SELECT filled, pinned FROM owo.meter_stats") == [(0, 0)], "a standby leaves shared memory alone"

    acknowledged = watch_replay(primary, standby, old[1])
    replayed(primary, standby)
    look_back = standby.connect(autocommit=False)
    look_back.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    look_back.execute(CHECK)
    primary.cluster("crash")
    standby.cluster("promote")

    # the same sessions go on; what was acknowledged and replayed is there, and the limit is reached exactly
    assert look_back.execute(CHECK).fetchone()[0] == acknowledged
    look_back.rollback()
    for session in old:
        assert session.execute(CHECK).fetchone() == (acknowledged, LIMIT)
    taken = sum(fill(old))
    assert acknowledged + taken == LIMIT
    for session in [*old, standby.connect()]:
        assert session.execute(CHECK).fetchone() == (LIMIT, LIMIT)
    old[0].execute("SELECT owo_override('acme', 'calls', usage_limit => 310)")
    assert all(session.execute(CHECK).fetchone() == (LIMIT, 310) for session in old)
    assert standby.value("SELECT pinned FROM owo.meter_stats") == 0
    standby.rows("SELECT owo_worker_tick(1000)")
    assert standby.value("SELECT sum(quantity) FROM owo.usage WHERE feature = 'calls'") == LIMIT
    assert standby.rows("SELECT * FROM owo_verify()") == []
    for session in [*old, look_back, writer]:
        session.close()


def watch_replay(primary: Server, standby: Server, warm) -> int:
    """Tracks on the primary while sessions of the standby ask: usage grows there, and never beyond the primary's."""
    end, failures, told = time.monotonic() + 3, [], [5]

    def ask(session):
        try:
            seen = 0
            while time.monotonic() < end:
                usage = session.execute(CHECK).fetchone()[0]
                assert seen <= usage <= told[0] + 1, (seen, usage, told)
                seen = usage
        except BaseException as error:  # the test reports it
            failures.append(error)

    threads = [threading.Thread(target=ask, args=(session,)) for session in (warm, standby.connect())]
    for thread in threads:
        thread.start()
    with primary.connect() as session:
        while time.monotonic() < end and told[0] < LIMIT - 60:
            session.execute("SELECT owo_track('acme', 'calls')")
            told[0] += 1
            if told[0] % 20 == 0:
                session.execute("SELECT owo_worker_tick(1000)")
    for thread in threads:
        thread.join()
    assert failures == []
    return told[0]


def fill(sessions) -> list[int]:
    """Every session takes one at a time until it is denied."""
    taken = [0] * len(sessions)

    def take(number):
        while sessions[number].execute("SELECT allowed FROM owo_track('acme', 'calls')").fetchone()[0]:
            taken[number] += 1

    threads = [threading.Thread(target=take, args=(number,)) for number in range(len(sessions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken
