"""Never more than the limit, and exactly the limit once everybody has tried again.

Many sessions, each customer hammered by 32 of them at one isolation level; a quarter of the sessions roll back now and
then or work inside savepoints. A session is done when it was denied twice while no other transaction was open.
"""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import errors

SESSIONS = 32
# Half of that finds a check that reads an entry while it changes.
TEARING = 5
LEVELS = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]
RETRY = (errors.SerializationFailure, errors.DeadlockDetected)

CATALOG = """{
  "features": [{"slug": "calls"}, {"slug": "seats", "type": "entity"}, {"slug": "images"}, {"slug": "words"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 5}, {"feature": "words", "creditCost": 2}]}],
  "plans": [{"slug": "base", "autoEnable": true, "features": [
      {"slug": "calls", "limit": 1000}, {"slug": "seats", "limit": 200}, {"slug": "credits", "limit": 2000}]}]
}"""


class Gate:
    """Counts open transactions; lets one session have the stage alone, as writers wait for readers to leave."""

    def __init__(self):
        self.condition = threading.Condition()
        self.open = 0
        self.alone = False

    @contextmanager
    def transaction(self):
        with self.condition:
            self.condition.wait_for(lambda: not self.alone)
            self.open += 1
        try:
            yield
        finally:
            with self.condition:
                self.open -= 1
                self.condition.notify_all()

    @contextmanager
    def nothing_open(self):
        with self.condition:
            self.condition.wait_for(lambda: not self.alone)
            self.alone = True
            self.condition.wait_for(lambda: self.open == 0)
        try:
            yield
        finally:
            with self.condition:
                self.alone = False
                self.condition.notify_all()


@pytest.fixture
def seed(record_property):
    value = random.randrange(2**32)
    print(f"seed {value}")
    record_property("seed", value)
    return value


@pytest.fixture
def ready(database):
    """A database with the catalog and a customer per isolation level."""
    database.rows("SELECT owo_sync(%s)", CATALOG, role="owo_admin")
    for level in LEVELS:
        database.rows("SELECT key FROM owo_customer(%s)", level)
    return database


@contextmanager
def savepoint(session):
    """Undoes an attempt that raises, and leaves the transaction open either way."""
    session.execute("SAVEPOINT attempt")
    try:
        yield
    except (errors.CheckViolation, errors.InvalidParameterValue):
        session.execute("ROLLBACK TO SAVEPOINT attempt")
        raise
    session.execute("RELEASE SAVEPOINT attempt")


class Worker:
    """One session that takes until it is told twice, with nothing open, that nothing is left."""

    def __init__(self, database, gate, level, take, number, seed):
        self.session = database.connect(autocommit=False)
        self.session.isolation_level = psycopg.IsolationLevel[level.replace(" ", "_")]
        self.gate = gate
        self.take = take
        self.random = random.Random(seed * 1000 + number)
        self.unsteady = number % 4 == 0
        self.number = number
        self.calls = 0
        self.committed = 0

    def attempt(self) -> int | None:
        """One committed take: its size; None when denied; 0 when rolled back or to be retried."""
        self.calls += 1
        name = f"{self.number}-{self.calls}"
        try:
            if self.unsteady and self.random.random() < 0.5:
                return self.unsteady_attempt(name)
            taken = self.take(self.session, name)
            self.session.commit()
            return taken
        except RETRY:
            self.session.rollback()
            return 0

    def unsteady_attempt(self, name: str) -> int | None:
        if self.random.random() < 0.5:
            self.take(self.session, name)
            self.session.rollback()
            return 0
        self.session.execute("SAVEPOINT a")
        self.take(self.session, name + "-undone")
        self.session.execute("ROLLBACK TO SAVEPOINT a")
        self.session.execute("SAVEPOINT b")
        taken = self.take(self.session, name)
        self.session.execute("RELEASE SAVEPOINT b")
        self.session.commit()
        return taken

    def certain_denial(self) -> bool:
        """Asks with the stage to itself; a take that succeeds there counts like any other."""
        with self.gate.nothing_open():
            while True:
                try:
                    taken = self.take(self.session, f"{self.number}-{self.calls}-alone")
                    self.session.commit()
                except RETRY:
                    self.session.rollback()
                    continue
                self.calls += 1
                self.committed += taken or 0
                return taken is None

    def run(self) -> int:
        denials = 0
        try:
            while denials < 2:
                with self.gate.transaction():
                    taken = self.attempt()
                self.committed += taken or 0
                if taken is None:
                    denials = denials + 1 if self.certain_denial() else 0
        finally:
            self.session.close()
        return self.committed


def hammer(database, level, take_of, seed) -> int:
    """What the sessions were told that they got, all together."""
    gate = Gate()
    workers = [Worker(database, gate, level, take_of(number), number, seed) for number in range(SESSIONS)]
    with ThreadPoolExecutor(SESSIONS) as pool:
        return sum(pool.map(Worker.run, workers))


def track(customer, feature, value=1):
    def take(session, _name):
        (allowed,) = session.execute("SELECT allowed FROM owo_track(%s, %s, %s)", (customer, feature, value)).fetchone()
        return value if allowed else None

    return take


def add_seat(customer):
    def take(session, name):
        try:
            with savepoint(session):
                session.execute("SELECT owo_entity_add(%s, 'seats', %s)", (customer, name))
            return 1
        except errors.CheckViolation as error:
            assert "code=limit_exceeded" in (error.diag.message_detail or "")
            return None

    return take


@pytest.mark.parametrize("level", LEVELS)
def test_a_limit_is_reached_and_never_passed(ready, level, seed):
    told = hammer(ready, level, lambda _number: track(level, "calls"), seed)
    assert told == 1000
    assert ready.rows("SELECT usage, balance FROM owo_check(%s, 'calls', 0)", level) == [(1000, 0)]
    assert ready.value("SELECT sum(quantity) FROM owo.usage WHERE customer = %s", level, role="owo_reader") == 1000
    assert ready.verify() == []


@pytest.mark.parametrize("level", LEVELS)
def test_seats_are_filled_and_never_overfilled(ready, level, seed):
    told = hammer(ready, level, lambda _number: add_seat(level), seed)
    assert told == 200
    assert ready.value("SELECT count(*) FROM owo_entities(%s, 'seats')", level) == 200
    assert ready.verify() == []


@pytest.mark.parametrize("level", LEVELS)
def test_one_pool_of_credits_behind_two_features(ready, level, seed):
    """Half of the sessions spend 5 credits a call and half 2; what is left at the end is less than the smallest price."""
    features = ["images", "words"]
    hammer(ready, level, lambda number: track(level, features[number % 2]), seed)
    used = ready.value("SELECT (credits #>> '{plan,used}')::numeric FROM owo_check(%s, 'words', 0)", level)
    assert 2000 - 2 < used <= 2000
    units = dict(ready.rows("SELECT feature, sum(quantity) FROM owo.usage WHERE customer = %s GROUP BY feature", level, role="owo_reader"))
    assert 5 * units.get("images", 0) + 2 * units.get("words", 0) == used
    assert ready.verify() == []


@pytest.mark.parametrize("level", LEVELS)
def test_returns_stop_at_zero(ready, level, seed):
    """300 units are used and 32 sessions give back one at a time: exactly 300 returns succeed."""
    ready.rows("SELECT allowed FROM owo_track(%s, 'calls', 300)", level)

    def give_back(session, _name):
        try:
            with savepoint(session):
                session.execute("SELECT owo_track(%s, 'calls', -1)", (level,))
            return 1
        except errors.InvalidParameterValue:
            return None

    told = hammer(ready, level, lambda _number: give_back, seed)
    assert told == 300
    assert ready.rows("SELECT usage, balance FROM owo_check(%s, 'calls', 0)", level) == [(0, 1000)]
    assert ready.verify() == []


@pytest.mark.parametrize("level", LEVELS)
def test_takes_and_returns_together_stay_within_both_bounds(ready, level, seed):
    """Sessions take and give back at random; what they were told adds up to what is recorded."""
    total = []

    def run(number):
        rng = random.Random(seed * 1000 + number)
        told = 0
        with ready.connect(autocommit=False) as session:
            session.isolation_level = psycopg.IsolationLevel[level.replace(" ", "_")]
            for _ in range(25):
                value = rng.choice([-40, -7, 3, 60, 150])
                try:
                    (allowed, usage) = session.execute("SELECT allowed, usage FROM owo_track(%s, 'calls', %s)", (level, value)).fetchone()
                    assert 0 <= usage <= 1000
                    if rng.random() < 0.25:
                        session.rollback()
                    else:
                        session.commit()
                        told += value if allowed else 0
                except (*RETRY, errors.InvalidParameterValue):
                    session.rollback()
        total.append(told)

    with ThreadPoolExecutor(SESSIONS) as pool:
        list(pool.map(run, range(SESSIONS)))
    assert 0 <= sum(total) <= 1000
    assert ready.value("SELECT usage FROM owo_check(%s, 'calls', 0)", level) == sum(total)
    assert ready.verify() == []


def test_a_check_beside_a_commit_sees_usage_that_there_was(ready):
    """A transaction that takes 800 and gives them back never had less than nothing: nor does a check while it commits."""
    customer = LEVELS[0]
    ready.rows("SELECT usage FROM owo_check(%s, 'calls', 0)", customer)
    over = threading.Event()
    track = "SELECT count(*) FROM generate_series(1, 800) AS i, LATERAL owo_track(%s, 'calls', %s + 0 * i)"
    look = "SELECT min(c.usage), max(c.usage) FROM generate_series(1, 2000) AS i, LATERAL owo_check(%s, 'calls', 0 * i) AS c"

    def watch():
        seen = set()
        with ready.connect() as session:
            while not over.is_set():
                seen.update(session.execute(look, (customer,)).fetchone())
        return seen

    with ThreadPoolExecutor(1) as pool, ready.connect(autocommit=False) as session:
        watching = pool.submit(watch)
        try:
            for _ in range(10):
                session.execute(track, (customer, 1))
                session.execute(track, (customer, -1))
                session.commit()
        finally:
            over.set()
        seen = watching.result()
    assert 0 <= min(seen) <= max(seen) <= 800
    assert ready.verify() == []


def test_a_check_beside_takes_that_are_undone_sees_none_of_them(ready):
    """Amounts wider than a word of memory come and go, again and again: who looks meanwhile never meets them half stored."""
    customer, amount = LEVELS[0], 10**13
    ready.rows("SELECT owo_override(%s, 'calls', usage_limit => %s)", customer, amount + 10, role="owo_admin")
    ready.rows("SELECT owo_track(%s, 'calls', 3)", customer)
    over = threading.Event()
    undo = """DO $$ BEGIN
        FOR i IN 1 .. 500 LOOP
            BEGIN
                PERFORM 1 FROM owo_track('%s', 'calls', %s) AS t WHERE t.allowed;
                ASSERT FOUND;
                RAISE no_data_found;
            EXCEPTION WHEN no_data_found THEN NULL;
            END;
        END LOOP; END $$""" % (customer, amount)
    # one looks at numbers, the other asks for one more than is left as often as it can
    looks = {
        "SELECT min(c.usage), max(c.usage) FROM generate_series(1, 4000) AS i, LATERAL owo_check(%s, 'calls', 0 * i) AS c": (3, 3),
        "SELECT count(*), NULL FROM generate_series(1, 50000) AS i WHERE owo_allowed(%s, 'calls', 10000000000008 + 0 * i)": (0, None),
    }

    def watch(look):
        seen = set()
        with ready.connect() as session:
            while not over.is_set():
                seen.add(session.execute(look, (customer,)).fetchone())
        return seen

    with ThreadPoolExecutor(2) as pool, ready.connect() as session:
        watching = {look: pool.submit(watch, look) for look in looks}
        end = time.monotonic() + TEARING
        try:
            while time.monotonic() < end:
                session.execute(undo)
        finally:
            over.set()
        seen = {look: result.result() for look, result in watching.items()}
    assert seen == {look: {answer} for look, answer in looks.items()}
    assert ready.verify() == []
