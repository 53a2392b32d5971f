"""What sessions remember follows every change from its commit on, and never earlier (protocol 24 to 26).

Nothing here counts: limits, grants and plans change, by the API and by plain SQL, and every session must answer as one
that has just begun. CACHE_SEED repeats the draws of a run, CACHE_SECONDS makes it long.
"""

import os
import random
import re
import threading
import time

import psycopg
import pytest
from psycopg import errors
from preloaded import PATIENCE, Server, wait_for

SECONDS = float(os.environ.get("CACHE_SECONDS", "12"))
SEED = int(os.environ.get("CACHE_SEED", "0")) or random.randrange(1, 2**32)

CATALOG = """{
  "features": [{"slug": "calls"}, {"slug": "plain", "default": 5}, {"slug": "images"}, {"slug": "seats", "type": "entity"},
               {"slug": "sso", "type": "boolean"}, {"slug": "region", "type": "static", "default": "eu"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 5}]}],
  "plans": [
    {"slug": "small", "planGroup": "main", "autoEnable": true, "features": [
      {"slug": "calls", "limit": 100}, {"slug": "seats", "limit": 3}, {"slug": "credits", "limit": 50}]},
    {"slug": "large", "planGroup": "main", "rank": 2, "features": [
      {"slug": "calls", "limit": 1000}, {"slug": "seats", "limit": 8}, {"slug": "credits", "limit": 500}, {"slug": "sso"},
      {"slug": "region", "value": "us"}]},
    {"slug": "extra", "isAddon": true, "features": [{"slug": "calls", "limit": 10}]}]
}"""
CUSTOMERS = ["c0", "c1", "c2"]
FEATURES = ["calls", "plain", "images", "seats", "sso", "region"]
LOOK = """SELECT c, f, d.allowed, d.code, d.usage, d.usage_limit, d.balance, d.credits,
                 CASE f WHEN 'region' THEN owo_value(c, f) #>> '{}' WHEN 'plain' THEN owo_limit(c, f)::text END,
                 owo_allowed(c, f), owo_allowed(c, f, 100)
            FROM unnest(%s::text[]) AS c, unnest(%s::text[]) AS f, owo_check(c, f) AS d ORDER BY c, f"""
OF_FEATURE = "(SELECT id FROM owo.feature WHERE slug = %s)"
OF_CUSTOMER = "(SELECT id FROM owo.customer WHERE key = %s)"


@pytest.fixture(scope="module")
def server():
    server = Server("cache", owostack__worker="off")
    yield server
    alarms = server.alarms()
    server.destroy()
    assert alarms == []


@pytest.fixture
def shop(server, request):
    name = request.node.name.removeprefix("test_")[:60]
    server.rows(f'CREATE DATABASE "{name}"')
    server.rows("CREATE EXTENSION owostack", database=name)
    server.rows("SELECT owo_sync(%s)", CATALOG, database=name)
    server.rows("SELECT key FROM unnest(%s::text[]) AS k, owo_customer(k)", CUSTOMERS, database=name)
    server.rows("SELECT code FROM unnest(%s::text[]) AS c, owo_track(c, 'calls', 20)", CUSTOMERS, database=name)
    yield name
    server.rows(f'DROP DATABASE "{name}" WITH (FORCE)')


# Postgres 15 has another name for it.
PARALLEL = "SELECT set_config(name, 'on', false) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')"


def look(session) -> list[tuple]:
    rows = session.execute(LOOK, (CUSTOMERS, FEATURES)).fetchall()
    assert [row[2] for row in rows] == [row[-2] for row in rows], "owo_check and owo_allowed say the same"
    return rows


def watchers_of(server, shop) -> list:
    """Two sessions that look on; one of them asks in parallel plans, each with a worker that has just begun."""
    watchers = [server.connect(shop) for _ in range(2)]
    watchers[1].execute(PARALLEL)
    return watchers


class Editor:
    """A session that changes things inside transactions, one step at a time."""

    def __init__(self, server, shop, rng):
        # Another editor may hold the catalog or a customer: that edit does not happen.
        self.session = server.connect(shop, options="-c lock_timeout=60ms")
        self.random = rng
        self.open = False
        self.savepoints = 0

    def edit(self):
        query, *arguments = self.random.choice([
            self.limit, self.limit, self.default, self.cost, self.override, self.override, self.override_by_sql, self.grant, self.grant_by_sql,
            self.attach, self.attach, self.cancel, self.status, self.sync, self.feature, self.seat, self.region,
        ])()
        self.session.execute("SAVEPOINT edit")
        try:
            self.session.execute(query, arguments)
        except psycopg.Error as error:
            assert isinstance(error, (errors.LockNotAvailable, errors.CheckViolation, errors.UndefinedObject, errors.InvalidParameterValue, errors.CardinalityViolation)), error
            self.session.execute("ROLLBACK TO SAVEPOINT edit")

    def customer(self) -> str:
        return self.random.choice(CUSTOMERS)

    def number(self) -> int:
        return self.random.randrange(300)

    def limit(self):
        return f"UPDATE owo.plan_feature SET limit_amount = %s WHERE feature_id = {OF_FEATURE}", self.number(), self.random.choice(["calls", "seats"])

    def default(self):
        return "UPDATE owo.feature SET default_value = to_jsonb(%s::int) WHERE slug = 'plain'", self.number()

    def region(self):
        return f"UPDATE owo.plan_feature SET value = to_jsonb(%s::text) WHERE feature_id = {OF_FEATURE}", f"r{self.number()}", "region"

    def cost(self):
        return "UPDATE owo.credit_system_feature SET credit_cost = %s", self.random.choice([1, 2, 5])

    def override(self):
        if self.random.random() < 0.3:
            return "SELECT owo_override_remove(%s, 'calls')", self.customer()
        return "SELECT owo_override(%s, %s, usage_limit => %s)", self.customer(), self.random.choice(["calls", "plain", "seats"]), self.number()

    def override_by_sql(self):
        if self.random.random() < 0.3:
            return f"DELETE FROM owo.override WHERE customer_id = {OF_CUSTOMER}", self.customer()
        return "UPDATE owo.override SET usage_limit = %s WHERE usage_limit IS NOT NULL", self.number()

    def grant(self):
        return "SELECT owo_credit_grant(%s, 'credits', %s)", self.customer(), self.number() + 1

    def grant_by_sql(self):
        return f"UPDATE owo.credit_grant SET amount = amount + 1 WHERE customer_id = {OF_CUSTOMER}", self.customer()

    def attach(self):
        return "SELECT owo_attach(%s, %s, timing => 'now')", self.customer(), self.random.choice(["small", "large", "large", "extra"])

    def cancel(self):
        return "SELECT owo_cancel(%s, %s, false)", self.customer(), self.random.choice(["small", "large", "extra"])

    def status(self):
        return (f"""UPDATE owo.subscription SET status = CASE status WHEN 'active' THEN 'paused' ELSE 'active' END
                     WHERE status IN ('active', 'paused') AND customer_id = {OF_CUSTOMER}""", self.customer())

    def sync(self):
        return "SELECT owo_sync(%s)", CATALOG.replace('"limit": 10}', f'"limit": {self.number() + 1}}}')

    def feature(self):
        return f"UPDATE owo.plan_feature SET enabled = NOT enabled WHERE feature_id = {OF_FEATURE}", self.random.choice(["sso", "calls"])

    def seat(self):
        return f"SELECT owo_entity_{self.random.choice(['add', 'remove'])}(%s, 'seats', %s)", self.customer(), f"s{self.number() % 4}"


def test_every_session_follows_a_change_from_its_commit_on(server, shop):
    print(f"CACHE_SEED={SEED}")
    rng = random.Random(SEED)
    editors = [Editor(server, shop, rng) for _ in range(3)]
    watchers = watchers_of(server, shop)
    committed, changes, at = look(watchers[0]), 0, 0
    end = time.monotonic() + SECONDS

    def unchanged(what: str):
        for watcher in watchers:
            assert look(watcher) == committed, f"seed {SEED}, step {at}: {what}"

    while time.monotonic() < end or (changes < 5 and time.monotonic() < end + PATIENCE):
        at += 1
        editor = rng.choice(editors)
        if not editor.open:
            editor.session.execute("BEGIN")
            editor.open, editor.savepoints = True, 0
        draw = rng.random()
        if draw < 0.5:
            editor.edit()
            seen = look(editor.session)
            unchanged("an edit that is not committed is seen by nobody else")
            assert look(editor.session) == seen
        elif draw < 0.6:
            editor.session.execute("SAVEPOINT mine")
            before = look(editor.session)
            editor.edit()
            look(editor.session)
            editor.session.execute("ROLLBACK TO SAVEPOINT mine")
            assert look(editor.session) == before, f"seed {SEED}, step {at}: what a savepoint undid is gone at once"
        elif draw < 0.85:
            expected = look(editor.session)
            editor.session.execute("COMMIT")
            editor.open = False
            with server.connect(shop) as fresh:
                now = look(fresh)
            assert now == expected, f"seed {SEED}, step {at}: a transaction sees its own changes"
            changes += now != committed
            committed = now
            unchanged("a commit is seen at once")
            assert look(editor.session) == committed, f"seed {SEED}, step {at}: the changing session, after its commit"
        else:
            editor.session.execute("ROLLBACK")
            editor.open = False
            assert look(editor.session) == committed, f"seed {SEED}, step {at}: what was rolled back is gone at once"
            unchanged("nobody sees what was rolled back")
    print(f"{at} steps, {changes} commits that change something")
    assert changes >= 5
    for session in [*watchers, *(editor.session for editor in editors)]:
        session.close()


def test_no_session_revives_an_old_limit(server, shop):
    """Limits only grow, one commit after the other, while others ask all the time: nobody sees a smaller one again."""
    server.rows("SELECT owo_override(c, 'plain', usage_limit => 0) FROM unnest(%s::text[]) AS c", CUSTOMERS, database=shop)
    end, failures, rounds = time.monotonic() + min(SECONDS, 5), [], [0] * len(CUSTOMERS)
    edits = [
        f"UPDATE owo.override SET usage_limit = %s WHERE customer_id = {OF_CUSTOMER} AND feature_id = (SELECT id FROM owo.feature WHERE slug = 'plain')",
        "SELECT owo_override(customer => x.c, feature => 'plain', usage_limit => x.n) FROM (SELECT %s::numeric AS n, %s AS c) AS x",
    ]

    def goes_on() -> bool:
        """A slow machine may take longer until each customer has changed a few times."""
        now = time.monotonic()
        return not failures and (now < end or (min(rounds) < 10 and now < end + PATIENCE))

    def guarded(body, number):
        try:
            body(number)
        except BaseException as error:  # the test reports it
            failures.append(error)

    def edit(number):
        customer, warm = CUSTOMERS[number], server.connect(shop)
        with server.connect(shop) as session:
            while goes_on():
                limit = rounds[number] = rounds[number] + 1
                session.execute(edits[number % 2], (limit, customer))
                seen = warm.execute("SELECT usage_limit FROM owo_check(%s, 'plain')", (customer,)).fetchone()
                assert seen == (limit,), f"{customer}: the commit of {limit} has returned, {seen} is seen"
        warm.close()

    def ask(number):
        rng, highest = random.Random(SEED + number), dict.fromkeys(CUSTOMERS, 0)
        with server.connect(shop) as session:
            if number % 2:
                session.execute("SET default_transaction_isolation = 'repeatable read'")
            while goes_on():
                customer = rng.choice(CUSTOMERS)
                (limit,) = session.execute("SELECT usage_limit FROM owo_check(%s, 'plain')", (customer,)).fetchone()
                assert limit >= highest[customer], f"{customer}: {limit} after {highest[customer]}"
                highest[customer] = limit

    threads = [threading.Thread(target=guarded, args=(body, number)) for body in (edit, ask) for number in range(len(CUSTOMERS))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert min(rounds) >= 10


def hits(server, shop) -> int:
    return server.value("SELECT entitlement_hits FROM owo.meter_stats", database=shop)


def test_a_session_knows_what_others_resolved_until_it_changes(server, shop):
    """What one session resolved is shared memory's: another answers from it, and no session from what has changed since."""
    with server.connect(shop) as one:
        known = look(one)
    before = hits(server, shop)
    with server.connect(shop) as two:
        assert look(two) == known
        assert hits(server, shop) - before >= len(CUSTOMERS) * len(FEATURES) / 2, "answered from shared memory"
        two.execute(f"UPDATE owo.plan_feature SET limit_amount = 777 WHERE feature_id = {OF_FEATURE}", ("calls",))
    with server.connect(shop) as three:
        changed = look(three)
        assert {row[5] for row in changed if row[1] == "calls"} == {777}
        three.execute("BEGIN")
        three.execute(f"UPDATE owo.plan_feature SET limit_amount = 778 WHERE feature_id = {OF_FEATURE}", ("calls",))
        assert {row[5] for row in look(three) if row[1] == "calls"} == {778}
        with server.connect(shop) as four:
            assert look(four) == changed, "what has not committed is nobody else's"
        three.execute("ROLLBACK")
        assert look(three) == changed


def test_a_parallel_plan_answers_as_of_now_and_shares_what_it_resolved(server, shop):
    """A worker reads the latest state like anybody, and keeps it for others; what its own transaction changed, it asks the tables."""
    change = f"UPDATE owo.plan_feature SET limit_amount = %s WHERE feature_id = {OF_FEATURE}"
    limits = lambda rows: {row[5] for row in rows if row[1] == "calls"}  # noqa: E731
    with server.connect(shop) as one, server.connect(shop) as two:
        one.execute(PARALLEL)
        plan = "\n".join(row[0] for row in one.execute(f"EXPLAIN {LOOK}", (CUSTOMERS, FEATURES)))
        assert "Gather" in plan, plan
        two.execute(change, (771, "calls"))
        assert limits(look(one)) == {771}
        before = hits(server, shop)
        with server.connect(shop) as fresh:
            assert limits(look(fresh)) == {771}
        assert hits(server, shop) - before >= len(CUSTOMERS) * len(FEATURES) / 2, "answered from what a worker resolved"
        one.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        assert limits(look(one)) == {771}
        two.execute(change, (772, "calls"))
        assert limits(look(one)) == {772}, "checks see the latest state at every isolation level, also in workers"
        one.execute("COMMIT")
        one.execute("BEGIN")
        one.execute(change, (773, "calls"))
        assert limits(look(one)) == {773}, "a transaction sees its own changes in its workers"
        assert limits(look(two)) == {772}
        one.execute("ROLLBACK")
        assert limits(look(one)) == {772}


def test_a_copied_database_shares_nothing_with_its_original(server, shop):
    """A copy has the same ids, also of its tables: only the database tells their entitlements apart."""
    copy = f"{shop[:50]}_copy"
    with server.connect(shop) as one:
        known = look(one)
    server.rows(f'CREATE DATABASE "{copy}" TEMPLATE "{shop}"')
    try:
        with server.connect(copy) as other:
            assert look(other) == known
            other.execute(f"UPDATE owo.plan_feature SET limit_amount = 779 WHERE feature_id = {OF_FEATURE}", ("calls",))
        with server.connect(copy) as other, server.connect(shop) as one:
            assert {row[5] for row in look(other) if row[1] == "calls"} == {779}
            assert look(one) == known
    finally:
        server.rows(f'DROP DATABASE "{copy}" WITH (FORCE)')


def test_a_locked_table_ends_cold_calls_by_a_detected_deadlock_or_not_at_all(server, shop):
    """LOCK TABLE owo.plan against cold calls, both ways round: no wait that Postgres does not see."""
    outcomes = []
    # after a restart every entry and every session is cold
    server.cluster("restart")
    with server.connect(shop, autocommit=False) as locker:
        locker.execute("LOCK TABLE owo.plan IN ACCESS EXCLUSIVE MODE")

        def cold(number):
            with server.connect(shop, autocommit=False, options="-c statement_timeout=20s") as session:
                try:
                    session.execute("SELECT allowed FROM owo_track('c' || %s, 'calls')", (number,))
                    session.commit()
                    outcomes.append("tracked")
                except errors.DeadlockDetected:
                    outcomes.append("deadlock")

        threads = [threading.Thread(target=cold, args=(number % len(CUSTOMERS),)) for number in range(8)]
        for thread in threads:
            thread.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'owo.plan'::regclass"
        wait_for(lambda: server.value(waiting, database=shop) >= 4, "cold calls wait for the table, where everybody can see it")
        # the locker itself needs entries that others have begun to load
        try:
            for number in range(len(CUSTOMERS)):
                locker.execute("SELECT allowed FROM owo_track('c' || %s, 'calls')", (number,))
            locker.commit()
        except errors.DeadlockDetected:
            locker.rollback()
            outcomes.append("deadlock")
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()
    assert len([outcome for outcome in outcomes if outcome == "tracked"]) >= 1 and len(outcomes) >= 8, outcomes
    assert server.value("SELECT pinned FROM owo.meter_stats", database=shop) == 0
    assert server.rows("SELECT * FROM owo_verify()", database=shop) == []


def test_what_ends_by_time_ends_for_sessions_that_know_it(server, shop):
    """No commit moves anything when an override, a grant, a subscription or a period ends: the time itself does."""
    watchers = watchers_of(server, shop)
    before = look(watchers[0])
    with server.connect(shop, autocommit=False) as session:
        ends = session.execute("SELECT now() + interval '2.5 seconds'").fetchone()
        session.execute("SELECT owo_override('c0', 'calls', usage_limit => 7, expires_at => %s)", ends)
        session.execute("SELECT owo_credit_grant('c0', 'credits', 70, expires_at => %s)", ends)
        session.execute("SELECT owo_attach('c1', 'extra')")
        session.execute(f"UPDATE owo.subscription SET cancel_at = %s, due_at = %s WHERE NOT base AND customer_id = {OF_CUSTOMER}", (*ends * 2, "c1"))
        session.commit()
    granted = look(watchers[0])
    assert granted != before
    for watcher in watchers:
        assert look(watcher) == granted
    with server.connect(shop) as session:
        session.execute("SELECT pg_sleep(greatest(0, extract(epoch FROM %s - clock_timestamp()) + 0.05))", ends)
        after = look(session)
    assert after == before
    for watcher in watchers:
        assert look(watcher) == after
        watcher.close()


@pytest.mark.parametrize("question", ["SELECT owo_allowed('c0', 'calls')", "SELECT owo_check('c0', 'calls')", "SELECT (owo_track('c0', 'calls')).allowed"])
def test_a_session_that_has_just_begun_reads_no_catalog_that_others_know(server, shop, question):
    """Only its own rights are judged; what it asks about is known. Who may not ask is still told so."""
    with server.connect(shop) as one:
        one.execute("SELECT owo_check('c0', 'calls')")
    with server.connect(shop) as fresh:
        fresh.execute("BEGIN")
        fresh.execute(question)
        read = fresh.execute("SELECT relation::regclass::text FROM pg_locks WHERE pid = pg_backend_pid() AND relation IS NOT NULL").fetchall()
        assert not {("owo.plan",), ("owo.feature",), ("owo.subscription",)} & set(read), read
    server.rows("CREATE ROLE cache_stranger LOGIN")
    server.rows(f"GRANT EXECUTE ON FUNCTION {re.search('owo_[a-z]+', question)[0]} TO cache_stranger", database=shop)
    with server.connect(shop, "cache_stranger") as stranger, pytest.raises(errors.InsufficientPrivilege, match="permission denied for organization"):
        stranger.execute(question)
    server.rows('DROP OWNED BY cache_stranger', database=shop)
    server.rows("DROP ROLE cache_stranger")
