"""Calls under the shared engine that need several customers, or need one in two ways: what waits for what.

Batches name customers in any order and never wait in a circle. Transactions that counted before a date and count
after it do where they meet: one of them is told so, and the other goes on.
"""

import itertools
import json
import threading

import psycopg
import pytest
from preloaded import Server, wait_for

SHOP = """
SELECT owo_sync('{
  "features": [{"slug": "calls"}, {"slug": "drops"}, {"slug": "posts"}, {"slug": "words"}],
  "creditSystems": [{"slug": "pool", "features": [{"feature": "words", "creditCost": 2}]}],
  "plans": [
    {"slug": "free", "price": 0, "autoEnable": true, "planGroup": "main", "rank": 0,
     "features": [{"slug": "calls", "limit": 10}, {"slug": "posts", "limit": 20, "reset": "year"}, {"slug": "pool", "limit": 100},
                  {"slug": "drops", "limit": 100, "rollover": true}]},
    {"slug": "team", "price": 0, "planGroup": "main", "rank": 1, "features": [{"slug": "calls", "limit": 20}]},
    {"slug": "weekly", "price": 0, "planGroup": "main", "rank": 0,
     "features": [{"slug": "calls", "limit": 10, "reset": "week"}, {"slug": "posts", "limit": 15, "reset": "never"}]}]}')
"""
PLAN = """
SELECT p.slug FROM owo.subscription AS s JOIN owo.plan AS p ON p.id = s.plan_id JOIN owo.customer AS c ON c.id = s.customer_id
 WHERE c.key = %s AND s.status = 'active' ORDER BY s.started_at DESC LIMIT 1
"""
NUMBERS = itertools.count(1)
CUSTOMERS = ["ada", "mia", "zoe"]


@pytest.fixture(scope="module")
def server():
    server = Server("order", deadlock_timeout="100ms", owostack__worker="off")
    server.rows("CREATE EXTENSION owostack")
    yield server
    assert server.alarms() == []
    server.destroy()


@pytest.fixture
def shop(server):
    """An organization of its own with three customers, each of whom has used something."""
    slug = f"shop-{next(NUMBERS)}"
    with server.connect() as session:
        session.execute("SELECT owo_organization(%s, environment => 'sandbox')", [slug])
        choose(session, slug)
        session.execute("SELECT owo_clock_set('2027-01-15 00:00+00')")
        session.execute(SHOP)
        for customer in CUSTOMERS:
            session.execute("SELECT owo_customer(%s)", [customer])
            session.execute("SELECT owo_track(%s, f, 4) FROM unnest('{calls,drops,posts,words}'::text[]) AS f", [customer])
    yield Shop(server, slug)
    assert server.rows("SELECT * FROM owo_verify()") == []


def choose(session: psycopg.Connection, slug: str):
    session.execute("SELECT set_config('owostack.organization', %s, false)", [slug])


class Shop:
    def __init__(self, server: Server, slug: str):
        self.server, self.slug = server, slug

    def connect(self, **options) -> psycopg.Connection:
        session = self.server.connect(**options)
        choose(session, self.slug)
        if not session.autocommit:
            session.commit()
        return session

    def value(self, query: str, *arguments):
        with self.connect() as session:
            return session.execute(query, arguments or None).fetchone()[0]

    def pass_time(self, interval: str):
        """As a date comes that nobody has seen to yet."""
        query = "UPDATE owo.organization SET clock_at = clock_at + %s::interval WHERE slug = %s"
        self.server.rows(query, interval, self.slug)

    def meet(self, blocker: str, first: tuple, second: tuple) -> list:
        """What two calls come to, of which the second begins while the first waits for `blocker`."""
        session = self.connect(autocommit=False)
        session.execute(blocker)
        one = Call(self, *first)
        one.waits()
        two = Call(self, *second)
        two.waits()
        session.commit()
        session.close()
        return [one.result(), two.result()]


class Call(threading.Thread):
    """One statement beside the test, in a session of its own or as the last of a transaction."""

    def __init__(self, shop: Shop, query: str, *arguments, session: psycopg.Connection | None = None):
        super().__init__(daemon=True)
        self.shop, self.query, self.arguments = shop, query, arguments
        self.session = session or shop.connect()
        self.outcome = None
        self.start()

    def run(self):
        try:
            outcome = [row[0] for row in self.session.execute(self.query, self.arguments).fetchall()]
            self.session.commit()
        except psycopg.Error as error:
            outcome = error.sqlstate
        self.session.close()
        self.outcome = outcome

    def waits(self):
        waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock')"
        pid = self.session.info.backend_pid
        wait_for(lambda: self.outcome is not None or self.shop.server.value(waits, pid), "the call to wait")

    def result(self):
        self.join(30)
        return self.outcome


def batch(feature: str, value: int, *customers: str, **more) -> tuple:
    events = [{"customer": customer, "feature": feature, "value": value, **more} for customer in customers]
    return "SELECT code FROM owo_track_batch(%s)", json.dumps(events)


LATE = {"occurred_at": "2027-01-14T00:00:00Z"}


@pytest.mark.parametrize(
    ("feature", "value", "more"),
    [("words", -1, {}), ("drops", 1, {}), ("calls", 1, LATE), ("calls", -1, LATE)],
    ids=["return_of_credits", "rollover", "late", "late_return"],
)
def test_batches_in_opposite_orders(shop, feature, value, more):
    when = f"'{more['occurred_at']}'" if more else "NULL"
    blocker = f"SELECT owo_track('mia', '{feature}', {value}, occurred_at => {when})"
    outcomes = shop.meet(
        blocker, batch(feature, value, "ada", "mia", "zoe", **more), batch(feature, value, "zoe", "ada", **more)
    )
    assert outcomes == [["tracked"] * 3, ["tracked"] * 2]
    for customer in CUSTOMERS:
        assert shop.value("SELECT usage FROM owo_check(%s, %s, 0)", customer, feature) == 4 + 2 * value


def test_a_statement_on_an_enforced_table_and_a_batch(shop):
    table = f"rows_of_{shop.slug.replace('-', '_')}"
    with shop.connect() as session:
        session.execute(f"CREATE TABLE {table} (customer text NOT NULL)")
        session.execute("SELECT owo_enforce_table(%s, 'drops', 'customer', mode => 'statement')", [table])
    insert = f"INSERT INTO {table} SELECT unnest(%s::text[]) RETURNING 'tracked'", CUSTOMERS
    outcomes = shop.meet("SELECT owo_track('mia', 'drops')", insert, batch("drops", 1, "zoe", "ada"))
    assert outcomes == [["tracked"] * 3, ["tracked"] * 2]


def test_returns_and_takes_that_end_holds(shop):
    with shop.connect() as session:
        for customer in "ada", "zoe":
            session.execute("SELECT owo_reserve(%s, 'calls', 6, ttl => '1 minute')", [customer])
    shop.pass_time("2 minutes")
    outcomes = shop.meet(
        "SELECT owo_reserve('mia', 'calls', 1)",
        batch("calls", -1, "ada", "mia", "zoe"),
        batch("calls", 3, "zoe", "ada"),
    )
    assert outcomes == [["tracked"] * 3, ["tracked"] * 2]
    assert shop.value("SELECT usage FROM owo_check('ada', 'calls', 0)") == 6


def test_batches_that_each_return_and_end_holds(shop):
    """Nobody shares what it will have to have alone."""
    with shop.connect() as session:
        session.execute("SELECT owo_reserve('ada', 'calls', 6, ttl => '1 minute')")
    shop.pass_time("2 minutes")
    events = [{"customer": "ada", "feature": "calls", "value": value} for value in (-1, 4)]
    call = "SELECT code FROM owo_track_batch(%s)", json.dumps(events)
    assert shop.meet("SELECT owo_reserve('ada', 'drops')", call, call) == [["tracked"] * 2] * 2
    assert shop.value("SELECT usage FROM owo_check('ada', 'calls', 0)") == 10


def test_new_customers(shop):
    new = [f"new {customer}" for customer in CUSTOMERS]
    ada, mia, zoe = new
    data = {"customer_data": {"name": "New"}}
    outcomes = shop.meet(
        f"SELECT owo_customer('{mia}')", batch("calls", 1, *new, **data), batch("calls", 1, zoe, ada, **data)
    )
    assert outcomes == [["tracked"] * 3, ["tracked"] * 2]
    assert [shop.value("SELECT usage FROM owo_check(%s, 'calls', 0)", customer) for customer in new] == [2, 1, 2]


def test_switches_that_come_due_one_after_another(shop):
    """Who settles one customer and counts for another locks both in one order."""
    with shop.connect() as session:
        pairs = [(f"early {number}", f"late {number}") for number in range(4)]
        for early, _ in pairs:
            session.execute("SELECT owo_customer(%s)", [early])
        shop.pass_time("1 day")
        for _, late in pairs:
            session.execute("SELECT owo_customer(%s)", [late])
        rows = session.execute("SELECT key, id FROM owo.customer WHERE key ~ 'early|late'").fetchall()
        stripes = {key: (id.int >> 64 ^ id.int & 2**64 - 1) % 1024 for key, id in rows}
        # a lock out of order: the one whose date comes first has the higher stripe
        early = max((early for early, _ in pairs), key=stripes.get)
        late = min((late for _, late in pairs), key=stripes.get)
        for customer in early, late:
            session.execute("SELECT owo_attach(%s, 'weekly', timing => 'period_end')", [customer])
    blocker = shop.connect(autocommit=False)
    blocker.execute("SELECT owo_track(%s, 'calls')", [early])
    shop.pass_time("30 days 12 hours")
    calls = []
    for customers in (early, late), (late, early):
        calls.append(Call(shop, *batch("calls", 1, *customers)))
        calls[-1].waits()
        shop.pass_time("1 day")
    blocker.commit()
    blocker.close()
    assert [call.result() for call in calls] == [["tracked"] * 2] * 2
    assert [shop.value(PLAN, customer) for customer in (early, late)] == ["weekly", "weekly"]
    # of the periods that began with the switches
    assert [shop.value("SELECT usage FROM owo_check(%s, 'calls', 0)", customer) for customer in (early, late)] == [2, 1]


AFTER = {
    "track": ("SELECT code FROM owo_track('ada', 'posts')",),
    "hold": ("SELECT (decision).code FROM owo_reserve('ada', 'posts')",),
    "batch": batch("posts", 1, "zoe", "ada"),
}


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("after", AFTER)
def test_transactions_that_count_before_a_switch_and_after_it(shop, after, count):
    """What is carried is the sum of what all of them did before: each would have to wait for the others.

    So one is left and the others are told of a deadlock, at once or in their turn; tried again they come after the switch.
    """
    before = "SELECT owo_track('ada', 'posts', 2)"
    with shop.connect() as session:
        session.execute("SELECT owo_attach('ada', 'weekly', timing => 'period_end')")
    sessions = [shop.connect(autocommit=False) for _ in range(count)]
    for session in sessions:
        session.execute(before)
    shop.pass_time("1 month")
    calls = [Call(shop, *AFTER[after], session=session) for session in sessions]
    outcomes = [call.result() for call in calls]
    assert all(outcomes), "one hangs"
    won = [outcome for outcome in outcomes if outcome != "40P01"]
    assert len(won) == 1 and won[0][-1] in ("tracked", "access_granted"), outcomes
    assert shop.value(PLAN, "ada") == "weekly"
    for _ in range(count - 1):
        with shop.connect(autocommit=False) as session:
            session.execute(before)
            query, *arguments = AFTER[after]
            session.execute(query, arguments)
    # all of it is counted once, under the plan that there is now
    assert shop.value("SELECT usage FROM owo_check('ada', 'posts', 0)") == 4 + 3 * count
    assert shop.value("SELECT usage_limit FROM owo_check('ada', 'posts', 0)") == 15


def test_one_transaction_alone_counts_before_a_switch_and_after_it(shop):
    with shop.connect() as session:
        session.execute("SELECT owo_attach('ada', 'weekly', timing => 'period_end')")
    with shop.connect(autocommit=False) as session:
        session.execute("SELECT owo_track('ada', 'posts', 2)")
        shop.pass_time("1 month")
        usage = session.execute("SELECT usage FROM owo_track('ada', 'posts')").fetchone()[0]
    assert usage == shop.value("SELECT usage FROM owo_check('ada', 'posts', 0)") == 7
