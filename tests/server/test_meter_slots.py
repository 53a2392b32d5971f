"""Shared memory for meters far smaller than what is counted: slower, never wrong (protocol 9)."""

import random
import threading
from collections import Counter

import pytest
from psycopg import errors
from preloaded import Server

CUSTOMERS = 3000
SLOTS = 2048
CATALOG = """{"features": [{"slug": "calls"}, {"slug": "mails"}], "plans": [{"slug": "base", "autoEnable": true, "features": [
  {"slug": "calls", "limit": 10, "reset": "never"}, {"slug": "mails", "limit": 6, "reset": "never"}]}]}"""
LIMITS = {"calls": 10, "mails": 6}


@pytest.fixture(scope="module")
def server():
    server = Server("slots", owostack__meter_slots=str(SLOTS))
    server.rows("CREATE EXTENSION owostack")
    server.rows("SELECT owo_sync(%s)", CATALOG)
    server.rows("SELECT count(owo_customer('c' || n)) FROM generate_series(0, %s) AS n", CUSTOMERS - 1)
    yield server
    alarms = server.alarms()
    server.destroy()
    assert alarms == []


def stats(server) -> dict:
    return dict(zip(("slots", "filled", "pinned", "evictions", "loads"), server.rows("SELECT * FROM owo.meter_stats")[0]))


def usage(server, feature: str) -> dict:
    """What one session is told of every customer."""
    query = "SELECT n, (owo_check('c' || n, %s, 0)).usage FROM generate_series(0, %s) AS n"
    return {n: used for n, used in server.rows(query, feature, CUSTOMERS - 1) if used}


def test_a_small_table_gives_right_answers(server):
    """Sessions take and give back at random among more customers than there are slots, all of one near its limit."""
    seed = random.randrange(1, 2**32)
    print(f"seed {seed}")
    totals, failures = Counter(), []
    lock = threading.Lock()

    def run(number):
        rng, told = random.Random(seed + number), Counter()
        try:
            with server.connect(autocommit=False) as session:
                for _ in range(40):
                    mine = Counter()
                    customers = sorted(rng.sample(range(CUSTOMERS), 12)) + [number % 3] * 2
                    for customer in customers:
                        feature, value = rng.choice(["calls", "mails"]), rng.choice([1, 2, 3, 5])
                        query = "SELECT allowed, usage FROM owo_track('c' || %s, %s, %s)"
                        allowed, used = session.execute(query, (customer, feature, value)).fetchone()
                        assert 0 <= used <= LIMITS[feature], (customer, used)
                        mine[customer, feature] += value if allowed else 0
                    if rng.random() < 0.2:
                        session.rollback()
                    else:
                        session.commit()
                        told += mine
        except BaseException as error:  # the test reports it
            failures.append(error)
        with lock:
            totals.update(told)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for feature in LIMITS:
        assert usage(server, feature) == {n: total for (n, f), total in totals.items() if f == feature and total}
    now = stats(server)
    assert now["evictions"] > 0 and now["pinned"] == 0 and now["filled"] <= now["slots"]
    assert server.rows("SELECT * FROM owo_verify()") == []


def test_a_transaction_that_holds_too_much_is_refused_takes_and_recovers(server):
    before = {feature: usage(server, feature) for feature in LIMITS}
    free = [n for n in range(CUSTOMERS) if not before["calls"].get(n)]
    with server.connect(autocommit=False) as greedy, server.connect() as other:
        pinned = 0
        with pytest.raises(errors.ConfigurationLimitExceeded) as refused:
            for n in free:
                greedy.execute("SAVEPOINT a")
                assert greedy.execute("SELECT allowed FROM owo_track('c' || %s, 'calls')", (n,)).fetchone() == (True,)
                greedy.execute("RELEASE SAVEPOINT a")
                pinned += 1
        assert "owostack.meter_slots" in refused.value.diag.message_hint
        # at most a quarter; fewer where customers share a small part of the memory
        assert 0 < pinned <= SLOTS // 4
        greedy.execute("ROLLBACK TO SAVEPOINT a")
        # a check never fails for want of room, and what was taken is seen
        for n in free[: pinned + 50 : 7]:
            used = greedy.execute("SELECT (owo_check('c' || %s, 'calls', 0)).usage", (n,)).fetchone()[0]
            assert used == (1 if n in free[:pinned] else 0), n
        seen = "SELECT count(*), sum((owo_check('c' || n, 'calls', 0)).usage) FROM unnest(%s::int[]) AS n"
        assert other.execute(seen, (free,)).fetchone() == (len(free), 0)
        # others that find room go on meanwhile, whoever finds none is told
        outcomes = Counter()
        for n in free[-200:]:
            try:
                outcomes[other.execute("SELECT (owo_track('c' || %s, 'mails', 0.5)).allowed", (n,)).fetchone()[0]] += 1
            except errors.ConfigurationLimitExceeded:
                outcomes["full"] += 1
        assert outcomes[True] + outcomes[False] > 100, outcomes
        assert stats(server)["pinned"] == pinned
        greedy.rollback()
        assert stats(server)["pinned"] == 0
        tracked = "SELECT bool_and((owo_track('c' || n, 'calls')).allowed) FROM unnest(%s::int[]) AS n"
        assert other.execute(tracked, (free[:20],)).fetchone() == (True,)
        assert greedy.execute("SELECT (owo_track('c' || %s, 'calls')).usage", (free[0],)).fetchone() == (2,)
        greedy.rollback()
    assert usage(server, "calls") == before["calls"] | dict.fromkeys(free[:20], 1)
    assert server.rows("SELECT * FROM owo_verify()") == []


def test_what_a_savepoint_undid_is_not_held(server):
    """Undone takes leave room: more of them than a transaction may hold, in one transaction and over many."""
    used = usage(server, "calls")
    free = [n for n in range(CUSTOMERS) if n not in used]
    undone = """DO $$BEGIN
        FOR n IN 0..%d LOOP
            BEGIN
                PERFORM owo_track('c' || n, 'mails', 0.001);
                RAISE division_by_zero;
            EXCEPTION WHEN division_by_zero THEN END;
        END LOOP;
    END$$"""
    with server.connect() as session:
        session.execute(undone % 700)
        assert session.execute("SELECT code FROM owo_track('c' || %s, 'calls')", (free[0],)).fetchone() == ("tracked",)
        session.execute("SELECT owo_track('c' || %s, 'calls', -1)", (free[0],))
        with session.transaction():
            session.execute(undone % 700)
            assert session.execute("SELECT code FROM owo_track('c' || %s, 'calls', 10)", (free[1],)).fetchone() == ("tracked",)
            session.execute("SELECT owo_track('c' || %s, 'calls', -10)", (free[1],))
    assert stats(server)["pinned"] == 0
    assert server.rows("SELECT * FROM owo_verify()") == []


def test_a_statement_that_takes_from_everybody_is_refused_as_a_whole(server):
    """One statement over all customers: more than a transaction may hold; nothing of it stays."""
    before = usage(server, "mails")
    with server.connect() as session:
        with pytest.raises(errors.ConfigurationLimitExceeded):
            session.execute("SELECT count(owo_track('c' || n, 'mails', 0.001)) FROM generate_series(0, %s) AS n", (CUSTOMERS - 1,))
        assert stats(server)["pinned"] == 0
        assert usage(server, "mails") == before
        # so does a batch, and what a transaction may hold goes on
        batch = "SELECT count(*) FROM owo_track_batch((SELECT jsonb_agg(jsonb_build_object('customer', 'c' || n, 'feature', 'mails')) FROM generate_series(0, %s) AS n))"
        with pytest.raises(errors.ConfigurationLimitExceeded):
            session.execute(batch, (CUSTOMERS - 1,))
        assert stats(server)["pinned"] == 0
        assert session.execute(batch, (9,)).fetchone() == (10,)
    assert server.rows("SELECT * FROM owo_verify()") == []
