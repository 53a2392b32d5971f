"""Holds under many sessions: one end for each, never more than the limit, and in the end what everybody was told.

The sessions reserve, settle, release, track and return at random, commit or roll back, work inside savepoints, and leave holds
behind that nobody ends but the takes that need their room. A fold goes on all the time.
"""

import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import psycopg
import pytest
from psycopg import errors
from test_exactness import LEVELS, RETRY, hammer, seed  # noqa: F401 (a fixture)

SESSIONS = 12
SECONDS = float(os.environ.get("HOLD_SECONDS", 6))
LIMIT = 60

CATALOG = """{
  "features": [{"slug": "calls"}, {"slug": "many"}, {"slug": "images"}, {"slug": "words"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 3}, {"feature": "words", "creditCost": 0.7}]}],
  "plans": [{"slug": "base", "autoEnable": true, "features": [{"slug": "calls", "limit": 60}, {"slug": "many", "limit": 100}, {"slug": "credits", "limit": 60}]}]
}"""


def hold_and_settle(customer):
    """One unit, by way of a hold of two; where two do not fit any more, by itself."""

    def take(session, _name):
        row = session.execute("SELECT reservation FROM owo_reserve(%s, 'many', 2)", (customer,)).fetchone()
        if row[0] is None:
            (allowed,) = session.execute("SELECT allowed FROM owo_track(%s, 'many', 1)", (customer,)).fetchone()
            return 1 if allowed else None
        (allowed,) = session.execute("SELECT allowed FROM owo_settle(%s, 1)", (row[0],)).fetchone()
        assert allowed
        return 1

    return take


@pytest.fixture
def ready(database):
    """A database with the catalog and two customers."""
    database.rows("SELECT owo_sync(%s)", CATALOG, role="owo_admin")
    for customer in ("a", "b"):
        database.rows("SELECT key FROM owo_customer(%s)", customer)
    return database


@pytest.mark.parametrize("level", LEVELS)
def test_a_limit_is_reached_by_holds_and_never_passed(ready, level, seed):  # noqa: F811
    told = hammer(ready, level, lambda _number: hold_and_settle("a"), seed)
    assert told == 100
    assert ready.rows("SELECT usage, balance FROM owo_check('a', 'many', 0)") == [(100, 0)]
    assert ready.value("SELECT sum(quantity) FROM owo.usage", role="owo_reader") == 100
    assert ready.value("SELECT count(*) FROM owo.reservation WHERE status = 'open'", role="owo_reader") == 0
    assert ready.verify() == []


class Shared:
    """Holds that sessions have committed and that any of them may end."""

    def __init__(self):
        self.lock = threading.Lock()
        self.open: list = []

    def add(self, holds):
        with self.lock:
            self.open.extend(holds)

    def pick(self, chance: random.Random):
        with self.lock:
            return chance.choice(self.open) if self.open else None


class Actor:
    """One session doing anything at random; keeps what it was told, by customer and feature, once that is committed."""

    def __init__(self, database, shared, number, seed):
        self.random = random.Random(seed * 1000 + number)
        self.session = database.connect(autocommit=False)
        self.session.isolation_level = psycopg.IsolationLevel[self.random.choice(LEVELS).replace(" ", "_")]
        self.shared = shared
        self.told: dict = {}
        self.steps = 0

    def one(self, query, *arguments):
        return self.session.execute(query, arguments).fetchone()

    def amount(self) -> Decimal:
        return Decimal(self.random.choice(["0.5", "1", "2", "3", "4.25", "7"]))

    def step(self, told, holds):
        """One call inside the running transaction; what it is told goes to `told`, a new hold to `holds`."""
        place = (self.random.choice(["a", "b"]), self.random.choice(["calls", "images", "words"]))
        what = self.random.choices(["reserve", "settle", "release", "track", "return"], [5, 4, 1, 3, 1])[0]
        hold = self.random.choice(holds) if holds and self.random.random() < 0.5 else self.shared.pick(self.random)
        if what == "reserve":
            ttl = self.random.choice(["1 hour", "1 microsecond", "30 ms"])
            row = self.one("SELECT reservation FROM owo_reserve(%s, %s, %s, %s)", *place, self.amount(), ttl)
            if row[0]:
                holds.append((row[0], place))
        elif what == "settle" and hold:
            value = self.random.choice([Decimal(0), self.amount()])
            if self.one("SELECT allowed FROM owo_settle(%s, %s)", hold[0], value)[0]:
                told[hold[1]] = told.get(hold[1], 0) + value
        elif what == "release" and hold:
            assert self.one("SELECT allowed FROM owo_release(%s)", hold[0])[0]
        elif what in ("track", "return"):
            value = self.amount() * (-1 if what == "return" else 1)
            if self.one("SELECT allowed FROM owo_track(%s, %s, %s)", *place, value)[0]:
                told[place] = told.get(place, 0) + value

    def attempt(self, told, holds):
        """A step in a savepoint, which is undone when it raises, or now and then because we say so."""
        self.session.execute("SAVEPOINT attempt")
        kept, made = dict(told), list(holds)
        try:
            self.step(told, holds)
            if self.random.random() < 0.8:
                self.session.execute("RELEASE SAVEPOINT attempt")
                return
        except (errors.CheckViolation, errors.InvalidParameterValue, errors.UndefinedObject):
            pass
        self.session.execute("ROLLBACK TO SAVEPOINT attempt")
        told.clear()
        told.update(kept)
        holds[:] = made

    def transaction(self):
        told, holds = {}, []
        try:
            for _ in range(self.random.randint(1, 4)):
                self.attempt(told, holds)
            if self.random.random() < 0.2:
                self.session.rollback()
                return
            self.session.commit()
        except RETRY:
            self.session.rollback()
            return
        self.shared.add(holds)
        for place, value in told.items():
            self.told[place] = self.told.get(place, 0) + value

    def run(self, until):
        try:
            while time.monotonic() < until:
                self.transaction()
                self.steps += 1
        finally:
            self.session.close()


def fold_until(database, until):
    with database.connect("owo_admin") as session:
        while time.monotonic() < until:
            session.execute("SELECT owo_worker_tick()")
            time.sleep(0.05)


def watch(database, until) -> Decimal:
    """The highest usage that anybody could see."""
    highest = Decimal(0)
    with database.connect() as session:
        while time.monotonic() < until:
            for customer in ("a", "b"):
                calls, credits = session.execute(
                    "SELECT (owo_check(%s, 'calls', 0)).usage, ((owo_check(%s, 'images', 0)).credits #>> '{plan,used}')::numeric", (customer, customer)
                ).fetchone()
                highest = max(highest, calls, credits)
    return highest


def test_anything_at_random(ready, seed):  # noqa: F811
    database = ready
    shared = Shared()
    actors = [Actor(database, shared, number, seed) for number in range(SESSIONS)]
    until = time.monotonic() + SECONDS
    with ThreadPoolExecutor(SESSIONS + 2) as pool:
        watching = pool.submit(watch, database, until)
        folding = pool.submit(fold_until, database, until)
        for running in [pool.submit(actor.run, until) for actor in actors]:
            running.result()
        folding.result()
        assert watching.result() <= LIMIT
    assert sum(actor.steps for actor in actors) > SESSIONS
    assert database.verify() == []

    told: dict = {}
    for actor in actors:
        for place, value in actor.told.items():
            told[place] = told.get(place, 0) + value
    recorded = {
        (customer, feature): quantity
        for customer, feature, quantity in database.rows("SELECT customer, feature, sum(quantity) FROM owo.usage GROUP BY 1, 2", role="owo_reader")
    }
    assert {place: value for place, value in recorded.items() if value} == {place: value for place, value in told.items() if value}
    # what nobody ended: over, or open for an hour
    database.rows("SELECT owo_worker_tick()", role="owo_admin")
    database.rows("SELECT (owo_release(id)).allowed FROM owo.reservation WHERE status = 'open'")
    assert database.verify() == []
    for customer in ("a", "b"):
        assert database.value("SELECT usage FROM owo_check(%s, 'calls', 0)", customer) == told.get((customer, "calls"), 0)
    held = "SELECT sum(quantity) FROM (SELECT quantity, kind FROM owo.usage_pending UNION ALL SELECT quantity, kind FROM owo.usage_event) AS x WHERE kind = 'hold'"
    assert database.value(held, role="postgres") == 0
