"""Both engines give the same answers (protocol 9): one random serial history, step by step on two servers.

One server counts in tables, the other in shared memory. Every step of a history goes to both, and what comes back,
answers and SQLSTATEs alike, must be equal; so must what a second session sees, and the books at the end.
ENGINES_SEED repeats a run, ENGINES_SECONDS makes it long.
"""

import json
import os
import random
import re
import time

import psycopg
import pytest
from preloaded import Server

SECONDS = float(os.environ.get("ENGINES_SECONDS", "15"))
SEED = int(os.environ.get("ENGINES_SEED", "0")) or random.randrange(1, 2**32)
STEPS = 150

CATALOG = """{
  "features": [{"slug": "calls"}, {"slug": "life"}, {"slug": "mail"}, {"slug": "free"}, {"slug": "over"}, {"slug": "kept"}, {"slug": "cal"},
               {"slug": "images"}, {"slug": "words"}, {"slug": "plain", "default": 5},
               {"slug": "seats", "type": "entity", "freeAt": "period_end"}, {"slug": "desks", "type": "entity"},
               {"slug": "sso", "type": "boolean"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 5}, {"feature": "words", "creditCost": 0.3}]}],
  "creditPacks": [{"slug": "gift", "credits": 30, "price": 0, "creditSystem": "credits"}],
  "plans": [
    {"slug": "small", "planGroup": "main", "autoEnable": true, "currency": "USD", "features": [
      {"slug": "calls", "limit": 20}, {"slug": "life", "limit": 30, "reset": "never"}, {"slug": "seats", "limit": 3}, {"slug": "desks", "limit": 2},
      {"slug": "free"}, {"slug": "over", "limit": 3, "overage": "charge", "overagePrice": 10},
      {"slug": "mail", "limit": 4, "scope": "entity"}, {"slug": "credits", "limit": 40},
      {"slug": "kept", "limit": 10, "rollover": true, "maxRollover": 15}, {"slug": "cal", "limit": 8, "reset": "weekly", "resetAnchor": "calendar"}]},
    {"slug": "large", "planGroup": "main", "rank": 2, "price": 2000, "currency": "USD", "features": [
      {"slug": "calls", "limit": 100}, {"slug": "life", "limit": 60, "reset": "never"}, {"slug": "seats", "limit": 6}, {"slug": "desks", "limit": 4},
      {"slug": "free"}, {"slug": "mail", "limit": 9, "scope": "entity"},
      {"slug": "over", "limit": 5, "overage": "charge", "overagePrice": 10, "maxOverageUnits": 7},
      {"slug": "credits", "limit": 90, "rollover": true, "maxRollover": 20}, {"slug": "kept", "limit": 25, "rollover": true}, {"slug": "sso"}]},
    {"slug": "days", "planGroup": "main", "rank": 1, "price": 900, "currency": "USD", "interval": "weekly", "trialDays": 3, "features": [
      {"slug": "calls", "limit": 50, "reset": "daily"}, {"slug": "cal", "limit": 12, "resetAnchor": "calendar"}, {"slug": "seats", "limit": 4},
      {"slug": "words", "creditCost": 0.7}, {"slug": "credits", "limit": 60}]},
    {"slug": "extra", "isAddon": true, "features": [{"slug": "calls", "limit": 7}, {"slug": "credits", "limit": 11, "reset": "never"}]}]
}"""
# A provider says that a subscription is live, and since when its period runs.
TOLD = """CREATE FUNCTION told(name text, ago interval) RETURNS bigint LANGUAGE sql AS $$
    WITH now AS (SELECT owo._now((SELECT id FROM owo.organization WHERE slug = 'lab')) AS at),
    said AS (
        SELECT n.at, gen_random_uuid() AS id, jsonb_build_object('id', 'sub_' || name, 'object', 'subscription', 'status', 'active', 'customer', 'cus_' || name,
            'metadata', jsonb_build_object('owo_customer', (SELECT c.id FROM owo.customer AS c WHERE c.key = name)),
            'items', jsonb_build_object('data', jsonb_build_array(jsonb_build_object('quantity', 1,
                'current_period_start', extract(epoch FROM n.at - ago)::bigint, 'current_period_end', extract(epoch FROM n.at - ago + interval '1 month')::bigint,
                'price', jsonb_build_object('id', 'price_large', 'product', 'prod_1', 'unit_amount', 2000, 'currency', 'usd'))))) AS object
          FROM now AS n),
    event AS (
        INSERT INTO owo.webhook_event (id, account_id, organization_id, provider, event_id, kind, body, next_at, received_at, updated_at)
        SELECT s.id, a.id, a.organization_id, 'stripe', s.id::text, 'customer.subscription.updated',
               convert_to(jsonb_build_object('id', 'evt_' || s.id, 'object', 'event', 'type', 'customer.subscription.updated', 'livemode', false,
                   'created', extract(epoch FROM s.at)::bigint, 'data', jsonb_build_object('object', s.object))::text, 'UTF8'),
               clock_timestamp() - interval '1 minute', clock_timestamp(), clock_timestamp() - interval '1 minute'
          FROM owo.provider_account AS a, said AS s
        RETURNING 1)
    SELECT count(*) FROM event $$"""
CUSTOMERS = ["acme", "zeta", "third"]
METERED = ["calls", "life", "mail", "free", "over", "kept", "cal", "images", "words", "plain"]
ANSWER = "allowed, code, usage, usage_limit, balance, overage, resets_at, reset_interval, credits, replayed"
# What is not applied has no order of its own where times are equal: ids are random.
EXPLAIN = """SELECT CASE WHEN applied THEN ordinal END, source, granted, used, remaining, reason
               FROM owo_explain(%s, %s) ORDER BY 1 NULLS LAST, 2, 3, 6"""
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Side:
    """One server: the session of the history, a second one that looks on, and the holds it was given."""

    def __init__(self, server: Server, database: str):
        self.server, self.database = server, database
        server.rows(f'CREATE DATABASE "{database}"')
        server.rows("CREATE EXTENSION owostack", database=database)
        server.rows("SELECT owo_organization('lab', environment => 'sandbox')", database=database)
        self.session, self.other = self.connect(), self.connect()
        # who looks on asks in parallel plans; Postgres 15 has another name for it
        self.other.execute("SELECT set_config(name, 'on', false) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')")
        self.holds = []
        self.run("SELECT owo_clock_set('2027-01-30 10:00+00')")
        self.run("SELECT owo_sync(%s)", CATALOG)
        for customer in CUSTOMERS:
            self.run("SELECT key FROM owo_customer(%s)", customer)
        self.run("SELECT FROM owo_provider_set('stripe', '{\"secret_key\": \"sk_test_1\", \"webhook_secret\": \"whsec_1\"}')")
        self.run("""INSERT INTO owo.provider_ref (account_id, kind, external_id, local_id, key, created_at, updated_at)
                    SELECT a.id, 'plan', 'price_large', p.id, format('%%s.%%s.USD.monthly', p.id, p.price_amount), now(), now()
                      FROM owo.provider_account AS a, owo.plan AS p WHERE p.slug = %s""", "large")
        self.run("""INSERT INTO owo.provider_ref (account_id, kind, external_id, local_id, customer_id, created_at, updated_at)
                    SELECT a.id, 'customer', 'cus_' || c.key, c.id, c.id, now(), now() FROM owo.provider_account AS a, owo.customer AS c""")
        self.run(TOLD)
        self.run("CREATE TABLE desk (id int PRIMARY KEY, org text)")
        self.run("SELECT owo_enforce_table('desk', 'desks', 'org', 'id', organization => 'lab')")

    def connect(self) -> psycopg.Connection:
        return self.server.connect(self.database, options="-c owostack.organization=lab -c timezone=UTC")

    def run(self, query: str, *arguments):
        return rows(self.session, query, *arguments)

    def step(self, step: tuple):
        """What a step answers: rows with ids made equal, or an SQLSTATE."""
        kind, query, *arguments = step
        try:
            if kind == "end":
                if not self.holds:
                    return None
                arguments[0] = self.holds[-1 - arguments[0] % len(self.holds)]
            result = rows(self.other if kind == "look" else self.session, query, *arguments)
            if kind == "hold":
                if result[0][0]:
                    self.holds.append(result[0][0])
                result = [("held" if result[0][0] else "not held", *result[0][1:])]
            return [UUID.sub("id", repr(row)) for row in result]
        except psycopg.Error as error:
            return error.sqlstate

    def books(self) -> dict:
        queries = {
            "usage": "SELECT customer, feature, entity, sum(quantity) FROM owo.usage GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
            "holds": "SELECT status, quantity, settled_quantity, expires_at FROM owo.reservation ORDER BY 1, 2, 3, 4",
            "given": "SELECT customer, feature FROM owo.usage GROUP BY 1, 2 HAVING sum(quantity) < 0",
            "seats": "SELECT c, entity, feature, status FROM unnest(%s::text[]) AS c, owo_entities(c) ORDER BY 1, 2, 3",
            "credits": "SELECT c, source, granted, used, remaining FROM unnest(%s::text[]) AS c, owo_credits(c) ORDER BY 1, 2, 3, 4, 5",
        }
        books = {name: rows(self.connect(), query, *([CUSTOMERS] if "%s" in query else [])) for name, query in queries.items()}
        features = "SELECT feature, (decision).allowed, (decision).code, (decision).usage, (decision).balance FROM owo_features(%s) ORDER BY 1"
        books["features"] = {customer: rows(self.connect(), features, customer) for customer in CUSTOMERS}
        books["wrong"] = rows(self.connect(), "SELECT * FROM owo_verify()")
        return books

    def close(self):
        self.session.close()
        self.other.close()
        self.server.rows(f'DROP DATABASE "{self.database}" WITH (FORCE)')


def rows(session, query: str, *arguments) -> list[tuple]:
    cursor = session.execute(query, arguments or None)
    return cursor.fetchall() if cursor.description else []


class History:
    """Draws steps; knows only what both sides agree on."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.open = False
        self.savepoints = []
        self.serial = 0
        # each once: grants that are alike are drawn in the order of their random ids
        self.priorities = self.random.sample(range(1, 99), 98)

    def value(self) -> str:
        return self.random.choice(["1", "1", "2", "3", "5", "8", "13", "40", "0.5", "2.25", "0.000000001", "0"])

    def customer(self) -> str:
        return self.random.choice(CUSTOMERS)

    def name(self) -> str:
        return f"e{self.random.randrange(6)}"

    def steps(self):
        choices = {
            self.track: 26, self.give_back: 9, self.batch: 5, self.key: 4, self.late: 3, self.reserve: 6, self.end_hold: 8, self.attach: 5,
            self.cancel: 2, self.override: 5, self.grant: 3, self.seat: 8, self.desk: 8, self.clock: 5, self.limit: 3, self.fold: 3,
            self.transaction: 22, self.told: 9,
        }
        kinds, weights = list(choices), list(choices.values())
        for _ in range(STEPS):
            yield self.random.choices(kinds, weights)[0]()
            yield self.check("check")
            if self.random.random() < 0.5:
                yield self.check("look")
        yield ("do", "COMMIT")

    def check(self, kind: str) -> tuple:
        feature = self.random.choice([*METERED, "seats", "desks", "sso"])
        if self.random.random() < 0.15:
            return (kind, EXPLAIN, self.customer(), feature)
        entity = self.name() if feature == "mail" else None
        value = self.value() if feature != "sso" else "1"
        asked = "(VALUES (%s, %s, %s::numeric, %s::text)) AS x (c, f, v, e)"
        query = f"SELECT owo_allowed(c, f, v, e), {ANSWER} FROM {asked}, owo_check(c, f, v, e)"
        return (kind, query, self.customer(), feature, value, entity)

    def event(self, value: str) -> tuple:
        feature = self.random.choice(METERED)
        return self.customer(), feature, value, self.name() if feature == "mail" else None

    def track(self) -> tuple:
        return ("do", f"SELECT {ANSWER}, details -> 'drawn' FROM owo_track(%s, %s, %s::numeric, %s)", *self.event(self.value()))

    def give_back(self) -> tuple:
        return ("do", f"SELECT {ANSWER} FROM owo_track(%s, %s, %s::numeric, %s)", *self.event("-" + self.value()))

    def batch(self) -> tuple:
        names = ("customer", "feature", "value", "entity")
        events = []
        for _ in range(self.random.randrange(1, 6)):
            event = dict(zip(names, self.event(self.random.choice(["", "", "-"]) + self.value())))
            event["value"] = float(event["value"])
            events.append(event)
        return ("do", f"SELECT {ANSWER} FROM owo_track_batch(%s)", json.dumps(events))

    def key(self) -> tuple:
        key = f"k{self.random.randrange(8)}"
        call = f"SELECT {ANSWER} FROM owo_track(%s, %s, %s::numeric, idempotency_key => %s)"
        return ("do", call, self.random.choice(CUSTOMERS[:2]), self.random.choice(["calls", "images"]), self.random.choice(["1", "2"]), key)

    def late(self) -> tuple:
        ago = self.random.choice(["1 hour", "2 days", "8 days", "32 days"])
        call = f"SELECT {ANSWER} FROM owo_track(%s, %s, %s::numeric, occurred_at => owo._now((SELECT id FROM owo.organization WHERE slug = 'lab')) - %s::interval)"
        sign = self.random.choice(["", "", "-"])
        return ("do", call, self.customer(), self.random.choice(["calls", "kept", "images", "cal"]), sign + self.value(), ago)

    def told(self) -> tuple:
        ago = self.random.choice(["0", "1 hour", "1 day", "4 days", "9 days", "26 days"])
        return ("do", "SELECT told(%s, %s::interval), owo_worker_tick(1000) ->> 'webhooks'", self.customer(), ago)

    def reserve(self) -> tuple:
        customer, feature, value, entity = self.event(self.value())
        call = ("SELECT reservation, expires_at, (decision).allowed, (decision).code, (decision).usage, (decision).balance"
                " FROM owo_reserve(%s, %s, %s::numeric, %s::interval, %s)")
        return ("hold", call, customer, feature, value, self.random.choice(["15 min", "2 hours", "5 days"]), entity)

    def end_hold(self) -> tuple:
        which = self.random.choice([0, 0, 0, 1, 2, 5])
        if self.random.random() < 0.4:
            return ("end", f"SELECT {ANSWER} FROM owo_release(%s)", which)
        return ("end", f"SELECT {ANSWER} FROM owo_settle(%s, %s::numeric)", which, self.value())

    def attach(self) -> tuple:
        plan, timing = self.random.choice(["small", "large", "large", "days", "days", "extra"]), self.random.choice([None, None, "now", "period_end"])
        if plan in ("large", "days"):
            return ("do", """SELECT (SELECT status FROM owo_checkout_complete(checkout_id)), code, type, amount_due
                               FROM owo_attach(%s, %s, timing => %s) WHERE checkout_id IS NOT NULL""", self.customer(), plan, timing)
        return ("do", "SELECT code, type, amount_due FROM owo_attach(%s, %s, timing => %s)", self.customer(), plan, timing)

    def cancel(self) -> tuple:
        plan = self.random.choice(["small", "large", "days", "extra"])
        if self.random.random() < 0.2:
            return ("do", "SELECT status FROM owo_uncancel(%s, %s)", self.customer(), plan)
        return ("do", "SELECT status FROM owo_cancel(%s, %s, %s)", self.customer(), plan, self.random.random() < 0.7)

    def override(self) -> tuple:
        customer, feature = self.customer(), self.random.choice(["calls", "life", "seats", "plain", "kept"])
        if self.random.random() < 0.3:
            return ("do", "SELECT owo_override_remove(%s, %s)", customer, feature)
        if self.random.random() < 0.2:
            return ("do", "SELECT unlimited FROM owo_override(%s, %s, unlimited => true)", customer, feature)
        limit, until = self.random.choice([0, 4, 25, 70]), self.random.random() < 0.3
        return ("do", "SELECT usage_limit FROM owo_override(%s, %s, usage_limit => %s, until_renewal => %s)", customer, feature, limit, until)

    def grant(self) -> tuple:
        if self.random.random() < 0.3:
            return ("do", "SELECT credits FROM owo_addon(%s, 'gift')", self.customer())
        amount, priority = self.random.choice([3, 12.5, 40]), self.priorities.pop()
        return ("do", "SELECT amount FROM owo_credit_grant(%s, 'credits', %s::numeric, priority => %s)", self.customer(), amount, priority)

    def seat(self) -> tuple:
        verb = self.random.choice(["add", "add", "remove"])
        return ("do", f"SELECT entity, status, count, usage_limit FROM owo_entity_{verb}(%s, 'seats', %s)", self.customer(), self.name())

    def desk(self) -> tuple:
        row = self.random.randrange(8)
        return self.random.choice([
            ("do", "INSERT INTO desk VALUES (%s, %s) ON CONFLICT DO NOTHING", row, self.customer()),
            ("do", "INSERT INTO desk SELECT n, %s FROM generate_series(%s::int, %s::int) AS n ON CONFLICT DO NOTHING", self.customer(), row, row + 1),
            ("do", "UPDATE desk SET org = %s WHERE id = %s", self.customer(), row),
            ("do", "UPDATE desk SET org = %s WHERE org = %s", self.customer(), self.customer()),
            ("do", "DELETE FROM desk WHERE id = %s", row),
        ])

    def clock(self) -> tuple:
        by = self.random.choice(["10 min", "3 hours", "1 day", "1 day", "4 days", "8 days", "1 month", "70 days"])
        return ("do", "SELECT owo_clock_advance(%s::interval)", by)

    def limit(self) -> tuple:
        return ("do", """UPDATE owo.plan_feature SET limit_amount = %s
                          WHERE feature_id = (SELECT id FROM owo.feature WHERE slug = %s) AND limit_amount IS NOT NULL""",
                self.random.choice([2, 9, 30]), self.random.choice(["calls", "life", "kept", "seats"]))

    def fold(self) -> tuple:
        return ("do", "SELECT owo_worker_tick(1000) ->> 'folded'")

    def transaction(self) -> tuple:
        if not self.open:
            self.open = True
            return ("do", "BEGIN ISOLATION LEVEL " + self.random.choice(["READ COMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]))
        draw = self.random.random()
        if draw < 0.3 or (draw < 0.6 and not self.savepoints):
            self.serial += 1
            self.savepoints.append(f"s{self.serial}")
            return ("do", f"SAVEPOINT s{self.serial}")
        if draw < 0.5:
            at = self.random.randrange(len(self.savepoints))
            name = self.savepoints[at]
            del self.savepoints[at + 1 :]
            return ("do", f"ROLLBACK TO SAVEPOINT {name}")
        if draw < 0.6:
            return ("do", f"RELEASE SAVEPOINT {self.savepoints.pop()}")
        return self.finish(self.random.choice(["COMMIT", "ROLLBACK"]))

    def finish(self, how: str) -> tuple:
        self.open = False
        self.savepoints.clear()
        return ("do", how)

    def after_error(self) -> tuple:
        """What a program does after an error in a transaction."""
        if self.savepoints and self.random.random() < 0.7:
            return ("do", f"ROLLBACK TO SAVEPOINT {self.savepoints[-1]}")
        return self.finish("ROLLBACK")


@pytest.fixture(scope="module")
def servers():
    # No worker: when it folds or settles dates would be chance.
    made = [Server(f"engine_{engine}", owostack__meter_engine=engine, owostack__worker="off") for engine in ("table", "shared")]
    yield made
    alarms = [line for server in made for line in server.alarms()]
    for server in made:
        server.destroy()
    assert alarms == []


def play(servers, seed: int):
    sides = [Side(server, f"history_{seed}") for server in servers]
    history = History(seed)
    told = []

    def both(step):
        answers = [side.step(step) for side in sides]
        told.append(f"{step} -> {answers[0]}")
        if answers[0] != answers[1]:
            tail = "\n".join(told[-40:])
            raise AssertionError(f"seed {seed}, step {len(told)}\ntable:  {answers[0]}\nshared: {answers[1]}\n{tail}")
        return answers[0]

    try:
        for step in history.steps():
            answer = both(step)
            failed = isinstance(answer, str) and step[0] != "look"
            if failed and history.open:
                both(history.after_error())
        books = [side.books() for side in sides]
        assert books[0] == books[1], f"seed {seed}"
        assert books[0]["wrong"] == [], f"seed {seed}"
        assert books[0]["given"] == [], f"seed {seed}"
        assert sides[1].server.value("SELECT pinned FROM owo.meter_stats", database=sides[1].database) == 0, f"seed {seed}"
    finally:
        for side in sides:
            side.close()
    return told


def test_random_serial_histories_answer_alike_on_both_engines(servers):
    print(f"ENGINES_SEED={SEED}")
    end, seed, answered = time.monotonic() + SECONDS, SEED, 0
    while time.monotonic() < end or seed == SEED:
        told = play(servers, seed)
        answered += sum("-> [" in line for line in told)
        seed += 1
    assert answered > 100 * (seed - SEED), "most steps do something"
