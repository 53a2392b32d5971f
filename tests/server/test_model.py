"""Whatever is cancelled, terminated, killed or crashed: what was acknowledged is counted, nothing passes a limit.

Sixteen sessions do random transactions on a few customers while the test cancels and ends their statements, kills
backends and stops the server at once. Each transaction also notes what it did in a table of its own, `ledger`, so that
Postgres itself says which transactions happened. After every recovery:

1. the ledger holds every acknowledged transaction, none that was rolled back, and each in-flight one whole or not at all;
2. usage, checks (warm and fresh) and entities equal the sums of the ledger, and owo_verify() finds nothing;
3. in commit order no prefix of the ledger passes a limit or falls below zero.

MODEL_SEED repeats the draws of a run, MODEL_SECONDS makes it long.
"""

import collections
import itertools
import json
import os
import random
import signal
import threading
import time

import psycopg
import pytest
from psycopg import errors
from preloaded import Server, wait_for

SECONDS = float(os.environ.get("MODEL_SECONDS", "24"))
SEED = int(os.environ.get("MODEL_SEED", "0")) or random.randrange(1, 2**32)
SESSIONS = 16
ROUND_SECONDS = 4
DATABASE = "model"

CATALOG = """{
  "features": [{"slug": "calls"}, {"slug": "images"}, {"slug": "seats", "type": "entity"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 5}]}],
  "plans": [
    {"slug": "small", "planGroup": "main", "autoEnable": true, "features": [
      {"slug": "calls", "limit": 150, "reset": "never"}, {"slug": "seats", "limit": 20}, {"slug": "credits", "limit": 500, "reset": "never"}]},
    {"slug": "large", "planGroup": "main", "rank": 2, "features": [
      {"slug": "calls", "limit": 250, "reset": "never"}, {"slug": "seats", "limit": 30}, {"slug": "credits", "limit": 800, "reset": "never"}]}]
}"""
STEADY = ["acme", "zeta", "third"]
SWITCHED = ["mover", "shaker"]
HOT = STEADY + SWITCHED
LIMITS = {"calls": 150, "seats": 20, "images": 100}
LARGEST = {"calls": 250, "seats": 30, "images": 160}

# What an attempt may meet; anything else is a finding.
DENIED = (errors.CheckViolation, errors.InvalidParameterValue)
RETRY = (errors.SerializationFailure, errors.DeadlockDetected, errors.QueryCanceled)
NOTE = "INSERT INTO ledger VALUES (%s, %s, %s, %s, %s)"


def limit_of(customer: str, feature: str):
    return (LIMITS if customer in STEADY else LARGEST)[feature]


class Unknown(Exception):
    """The connection went while the transaction may have been committed."""


class Session(threading.Thread):
    """Does one random transaction after the other, and remembers what became of each."""

    numbers = itertools.count(1)

    def __init__(self, model: "Model", number: int):
        super().__init__(daemon=True)
        self.model, self.number = model, number
        self.random = random.Random(SEED * 100 + number)
        self.connection = None
        self.pid = None
        self.seats = []
        # by transaction number: what its ledger must hold if it happened
        self.acknowledged, self.unknown, self.gone = {}, {}, set()
        self.seen = {}
        self.outcomes = collections.Counter()

    def run(self):
        try:
            while not self.model.over.is_set():
                if self.model.pause.is_set():
                    self.stand_by()
                    continue
                try:
                    self.connect()
                    self.transaction()
                except psycopg.OperationalError:
                    self.disconnect()
        except BaseException as error:  # the test reports it
            self.model.failures.append(error)
            raise
        finally:
            self.disconnect()
            self.model.standing.release()

    def connect(self):
        if self.connection is None or self.connection.closed:
            self.pid = None
            self.connection = self.model.server.connect(DATABASE, options="-c statement_timeout=30s")
            self.pid = self.connection.info.backend_pid

    def disconnect(self):
        self.pid = None
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def stand_by(self):
        """Answers what this session sees while nothing is open anywhere, then waits for the next round."""
        self.model.standing.release()
        self.model.look.wait(60)
        self.seen = {}
        for _ in range(3):  # an old cancel may still arrive
            try:
                self.connect()
                self.seen = looks(self.connection)
                break
            except (psycopg.OperationalError, errors.QueryCanceled):
                self.disconnect()
        self.model.standing.release()
        self.model.go.wait(60)

    def transaction(self):
        number = next(self.numbers)
        deltas = collections.Counter()
        single = self.random.random() < 0.4
        try:
            if single:
                self.single(number, deltas)
            else:
                self.several(number, deltas)
            self.acknowledged[number] = {place: delta for place, delta in deltas.items() if delta}
            self.outcomes["committed"] += 1
        except Unknown:
            self.unknown[number] = {place: delta for place, delta in deltas.items() if delta}
            self.outcomes["unknown"] += 1
            self.disconnect()
        except (*DENIED, *RETRY) as error:
            self.gone.add(number)
            self.outcomes[type(error).__name__] += 1
            self.connection.rollback()
        except psycopg.OperationalError:
            self.gone.add(number)
            self.outcomes["lost"] += 1
            raise

    def single(self, number: int, deltas):
        """A track that is a transaction by itself."""
        customer, feature, value = self.event()
        deltas[customer, feature] += value
        query = """WITH t AS MATERIALIZED (SELECT allowed FROM owo_track(%s, %s, %s, customer_data => %s))
                   INSERT INTO ledger SELECT %s, %s, %s, %s FROM t WHERE allowed"""
        data = "{}" if self.random.random() < 0.1 else None
        try:
            done = self.connection.execute(query, (customer, feature, value, data, number, customer, feature, value))
        except RETRY:
            raise
        except psycopg.OperationalError as error:
            raise Unknown from error
        if done.rowcount == 0:
            deltas.clear()

    def several(self, number: int, deltas):
        level = self.random.choice(["READ COMMITTED"] * 3 + ["REPEATABLE READ", "SERIALIZABLE"])
        self.connection.execute(f"BEGIN ISOLATION LEVEL {level}")
        added, removed = [], []
        for _ in range(self.random.randrange(1, 5)):
            self.savepoint_or_not(number, deltas, added, removed)
        if self.random.random() < 0.15:
            self.connection.execute("ROLLBACK")
            deltas.clear()
            return
        try:
            self.connection.execute("COMMIT")
        except RETRY:
            raise
        except psycopg.OperationalError as error:
            self.seats = [seat for seat in self.seats if seat not in removed]
            raise Unknown from error
        self.seats = [seat for seat in self.seats if seat not in removed] + added

    def savepoint_or_not(self, number: int, deltas, added: list, removed: list):
        """One operation, inside a savepoint now and then, which is rolled back now and then."""
        if self.random.random() < 0.5:
            self.operation(number, deltas, added, removed)
            return
        mark = (deltas.copy(), list(added), list(removed))
        self.connection.execute("SAVEPOINT a")
        try:
            self.operation(number, deltas, added, removed)
            if self.random.random() < 0.3:
                self.connection.execute("SAVEPOINT b")
                self.operation(number, deltas, added, removed)
                self.connection.execute("RELEASE SAVEPOINT b")
            undo = self.random.random() < 0.4
        except (*DENIED, errors.QueryCanceled):
            undo = True
        if undo:
            self.connection.execute("ROLLBACK TO SAVEPOINT a")
            deltas.clear()
            deltas.update(mark[0])
            added[:], removed[:] = mark[1:]

    def operation(self, number: int, deltas, added: list, removed: list):
        operations = [self.track, self.batch, self.keyed, self.add_seat, self.remove_seat, self.switch, self.check]
        chosen = self.random.choices(operations, [40, 12, 12, 14, 10, 4, 8])[0]
        for customer, feature, value in chosen(added, removed) or []:
            self.note(number, deltas, customer, feature, value)

    def note(self, number: int, deltas, customer: str, feature: str, value, key=None):
        self.connection.execute(NOTE, (number, customer, feature, value, key))
        deltas[customer, feature] += value

    def event(self) -> tuple:
        if self.random.random() < 0.1:
            return (f"crowd{self.random.randrange(1500)}", "calls", 1) if self.random.random() < 0.3 else (self.random.choice(HOT), "images", -3)
        feature = self.random.choice(["calls", "calls", "images"])
        return self.random.choice(HOT), feature, self.random.choice([1, 2, 5, 11, 30, -1, -4, -9, -25])

    def judged(self, row: tuple, customer: str, feature: str):
        allowed, usage = row
        # a denial counts what others have open as spent, and what they give back as not there yet (protocol 9)
        if customer in HOT and allowed:
            assert 0 <= usage <= limit_of(customer, feature), f"{customer} {feature}: {usage}"
        return allowed

    def track(self, *_):
        customer, feature, value = self.event()
        row = self.connection.execute("SELECT allowed, usage FROM owo_track(%s, %s, %s)", (customer, feature, value)).fetchone()
        return [(customer, feature, value)] if self.judged(row, customer, feature) else []

    def batch(self, *_):
        events = [self.event() for _ in range(self.random.randrange(2, 7))]
        asked = json.dumps([dict(zip(("customer", "feature", "value"), event)) for event in events])
        answers = self.connection.execute("SELECT allowed, usage FROM owo_track_batch(%s)", (asked,)).fetchall()
        return [event for event, row in zip(events, answers, strict=True) if self.judged(row, *event[:2])]

    def keyed(self, *_):
        """One key from several sessions: counted once, whoever comes first and however often it is asked again."""
        customer, key = self.random.choice(HOT), self.random.randrange(self.model.keys * 6, self.model.keys * 6 + 12)
        value = key % 7 + 1
        row = self.connection.execute(
            "SELECT allowed, replayed FROM owo_track(%s, 'calls', %s, idempotency_key => %s)", (customer, value, f"k{key}")
        ).fetchone()
        return [(customer, "calls", value)] if row[0] and not row[1] else []

    def add_seat(self, added, _removed):
        seat = (self.random.choice(HOT), f"seat-{next(self.numbers)}")
        self.connection.execute("SELECT owo_entity_add(%s, 'seats', %s)", seat)
        added.append(seat)
        return [(seat[0], "seats", 1)]

    def remove_seat(self, added, removed):
        mine = [seat for seat in self.seats + added if seat not in removed]
        if not mine:
            return []
        seat = self.random.choice(mine)
        self.connection.execute("SELECT owo_entity_remove(%s, 'seats', %s)", seat)
        removed.append(seat)
        if seat in added:
            added.remove(seat)
        return [(seat[0], "seats", -1)]

    def switch(self, *_):
        plan = self.random.choice(["small", "large"])
        self.connection.execute("SELECT owo_attach(%s, %s, timing => 'now')", (self.random.choice(SWITCHED), plan))

    def check(self, *_):
        customer, feature = self.random.choice(HOT), self.random.choice(list(LIMITS))
        (usage,) = self.connection.execute("SELECT usage FROM owo_check(%s, %s, 0)", (customer, feature)).fetchone()
        assert 0 <= usage <= limit_of(customer, feature), f"{customer} {feature}: {usage}"


def looks(connection) -> dict:
    query = "SELECT c, f, (owo_check(c, f, 0)).usage FROM unnest(%s::text[]) AS c, unnest(%s::text[]) AS f"
    return {(c, f): usage for c, f, usage in connection.execute(query, (HOT, list(LIMITS)))}


class Model:
    """The server under test, its sessions, and what is known of them."""

    def __init__(self, server: Server):
        self.server = server
        self.random = random.Random(SEED)
        self.over, self.pause, self.look, self.go = (threading.Event() for _ in range(4))
        self.standing = threading.Semaphore(0)
        self.failures = []
        self.keys = 0
        server.rows(f"CREATE DATABASE {DATABASE}")
        self.rows("CREATE EXTENSION owostack")
        self.rows("SELECT owo_sync(%s)", CATALOG)
        self.rows("SELECT key FROM unnest(%s::text[]) AS k, owo_customer(k)", HOT)
        self.rows("SELECT key FROM generate_series(0, 1499) AS n, owo_customer('crowd' || n)")
        self.rows("CREATE TABLE ledger (number bigint, customer text, feature text, delta numeric, key text)")
        self.sessions = [Session(self, number) for number in range(SESSIONS)]

    def rows(self, query: str, *arguments):
        return self.server.rows(query, *arguments, database=DATABASE)

    def disturb(self, seconds: float):
        """Cancels and ends statements of sessions for a while."""
        end = time.monotonic() + seconds
        with self.server.connect() as session:
            while time.monotonic() < end and not self.failures:
                verb = "pg_terminate_backend" if self.random.random() < 0.15 else "pg_cancel_backend"
                if pid := self.random.choice(self.sessions).pid:
                    session.execute(f"SELECT {verb}(%s)", (pid,))
                time.sleep(self.random.random() * 0.08)

    def kill(self):
        restarts = self.server.log().count("reinitializing")
        busy = lambda: [session.pid for session in self.sessions if session.pid]  # noqa: E731
        while self.server.log().count("reinitializing") == restarts:
            try:
                os.kill(self.random.choice(wait_for(busy)), signal.SIGKILL)
            except ProcessLookupError:
                continue
            time.sleep(0.3)
        wait_for(self.server.is_up, "the server is back after a kill")

    def crash(self):
        self.server.cluster("crash")
        self.server.cluster("start")

    def stopped(self):
        """Has every session end its transaction, proves what must hold, and lets them go on."""
        self.go.clear()
        self.look.clear()
        self.pause.set()
        self.everybody("stand still")
        ledger = self.rows("SELECT number, customer, feature, sum(delta) FROM ledger GROUP BY 1, 2, 3")
        sums = collections.Counter()
        for _, customer, feature, delta in ledger:
            sums[customer, feature] += delta
        self.judge_transactions(ledger)
        self.look.set()
        self.everybody("look")
        self.judge_sums(sums)
        self.judge_order()
        self.keys += 1
        self.pause.clear()
        self.go.set()

    def everybody(self, what: str):
        for _ in self.sessions:
            assert self.standing.acquire(timeout=60), f"all sessions {what}; {self.failures}"
        assert self.failures == []

    def judge_transactions(self, ledger):
        happened = collections.defaultdict(dict)
        for number, customer, feature, delta in ledger:
            if delta:
                happened[number][customer, feature] = delta
        for session in self.sessions:
            for number, deltas in session.acknowledged.items():
                assert happened.get(number, {}) == deltas, f"acknowledged transaction {number}"
            for number in session.gone:
                assert number not in happened, f"transaction {number} was rolled back"
            for number, deltas in session.unknown.items():
                assert happened.get(number, {}) in ({}, deltas), f"in-flight transaction {number}"

    def judge_sums(self, sums):
        wanted = {(c, f): sums[c, f] for c in HOT for f in LIMITS}
        assert looks(self.server.connect(DATABASE)) == wanted, "a fresh session sees the sums of the rows"
        for session in self.sessions:
            assert session.seen == wanted, "a session that has worked sees the sums of the rows"
        usage = self.rows("SELECT customer, feature, sum(quantity) FROM owo.usage WHERE feature <> 'seats' GROUP BY 1, 2")
        recorded = {(c, f): quantity for c, f, quantity in usage if quantity}
        assert recorded == {(c, f): v for (c, f), v in sums.items() if v and f != "seats"}
        seats = dict(self.rows("SELECT c, count(*) FROM unnest(%s::text[]) AS c, owo_entities(c, 'seats') GROUP BY 1", HOT))
        assert seats == {c: v for (c, f), v in sums.items() if v and f == "seats"}
        assert self.rows("SELECT * FROM owo_verify()") == []
        assert wait_for(lambda: self.rows("SELECT pinned FROM owo.meter_stats") == [(0,)], "nothing is pinned")

    def judge_order(self):
        """In commit order. Of what shares a microsecond, the order that suits best is taken."""
        rows = self.rows("""SELECT customer, feature, at, sum(delta)
                              FROM (SELECT customer, feature, number, delta, pg_xact_commit_timestamp(xmin) AS at FROM ledger) AS l
                             WHERE customer = ANY (%s) GROUP BY customer, feature, at, number ORDER BY at""", HOT)
        series = collections.defaultdict(lambda: collections.defaultdict(list))
        for customer, feature, at, delta in rows:
            assert at is not None
            series[customer, feature][at].append(delta)
        for (customer, feature), moments in series.items():
            total = 0
            for at, deltas in moments.items():
                total += sum(deltas)
                assert 0 <= total <= limit_of(customer, feature), f"{customer} {feature} at {at}: {total}"

    def counted(self) -> collections.Counter:
        return sum((session.outcomes for session in self.sessions), collections.Counter())


@pytest.fixture
def model():
    server = Server("model", fsync="on", track_commit_timestamp="on", owostack__meter_slots="2048", restart_after_crash="on")
    yield Model(server)
    server.destroy()


def test_acknowledged_usage_survives_and_no_limit_is_passed(model):
    print(f"MODEL_SEED={SEED}")
    end = time.monotonic() + SECONDS
    for session in model.sessions:
        session.start()
    try:
        for disaster in itertools.cycle([model.kill, model.crash]):
            model.disturb(min(ROUND_SECONDS, max(1, end - time.monotonic())))
            disaster()
            time.sleep(0.5)
            model.stopped()
            if time.monotonic() > end:
                break
    finally:
        model.over.set()
        model.pause.clear()
        model.look.set()
        model.go.set()
        for session in model.sessions:
            session.join(30)
    assert model.failures == []
    model.server.folded(DATABASE)
    counted = model.counted()
    print(dict(counted))
    assert counted["committed"] > 200 and counted["QueryCanceled"] > 0 and counted["lost"] + counted["unknown"] > 0
    assert model.server.alarms() == []
