"""Bad input never crashes: every function with arguments that no caller should send, for a bounded time.

OWO_FUZZ_SEED repeats a run, OWO_FUZZ_SECONDS makes it longer. A call may succeed or fail with an SQLSTATE that says why;
never with an internal error, a lost session, or in more time than STATEMENT_SECONDS.
"""

import copy
import json
import os
import random
import time
from pathlib import Path

import psycopg
import pytest

SECONDS = float(os.environ.get("OWO_FUZZ_SECONDS", "30"))
STATEMENT_SECONDS = 20
EXAMPLE = json.loads((Path(__file__).resolve().parents[2] / "examples" / "owostack-sync.json").read_text())

TEXTS = [
    "acme", "zeta", "nobody", "ops@acme.test", "OPS@ACME.TEST", "api-calls", "gpt-4", "ai-credits", "analytics", "seats", "free", "pro",
    "scale", "priority-support", "main", "starter-pack", "manual", "stripe", "ada", "default", "sandbox", "live", "fuzz", "monthly", "yearly",
    "never", "billing_period", "now", "period_end", "app", "admin", "none", "USD", "jpy", "XXX", "UTC", "Europe/Berlin", "Mars/Olympus",
    "", " ", "\t\n", "'", '"', "\\", "%", "_", "; DROP TABLE owo.plan; --", "$1", "null", "NaN", "Infinity", "-1", "1e400", "0",
    "a" * 255, "a" * 256, "ä" * 255, "x" * 20_000, "@", "a@b", "\u202e", "\U0001f4a5", "e\u0301", "İ", "ß", "\x01",
    "00000000-0000-0000-0000-000000000000", "C0FFEE00-1234-5678-9ABC-DEF012345678", "{c0ffee00-1234-5678-9abc-def012345678}",
    "c0ffee0012345678" * 2, "c0ffee00-1234-5678-9abc-def01234567", "2027-01-01", "infinity", "1 month", "P1M", "30", "-3 days",
]
NUMBERS = [
    "0", "1", "-1", "0.5", "0.000000001", "0.0000000001", "-0.000000001", "99999999999999999999", "100000000000000000000", "1e50", "-1e50",
    "1e-50", "NaN", "Infinity", "-Infinity", "3", "100", "10000", "9223372036854775807", "9223372036854775808",
    "170141183460469231731687303715884105728", "1.10", "12345678901234567890.123456789",
]
TIMES = [
    "now", "2027-01-31 10:00+00", "2024-02-29", "1970-01-01", "4713-01-01 BC", "294276-12-31 23:59:59.999999+00", "infinity", "-infinity",
    "0001-01-01", "9999-12-31", "2026-03-29 01:30+00", "today", "tomorrow",
]
INTERVALS = ["0", "1 day", "15 min", "-1 day", "1 month", "400 years", "178000000 years", "-178000000 years", "0.000001 sec", "2147483647 days"]
# What an argument of that name is given more often than not, so that calls get past the first look-up.
LIKELY = {
    "customer": ["acme", "zeta", "ops@acme.test"],
    "key": ["acme", "zeta", "new"],
    "feature": ["api-calls", "gpt-4", "analytics", "seats", "ai-tokens"],
    "entity": ["ada", "bob"],
    "plan": ["free", "pro", "scale", "priority-support"],
    "slug": ["free", "pro", "fuzz"],
    "level": ["app", "reader", "none"],
    "credit_system": ["ai-credits"],
    "pack": ["starter-pack"],
    "timezone": ["UTC", "Europe/Berlin"],
    "organization": ["default", "fuzz"],
    "idempotency_key": ["one", "two"],
    "provider": ["manual", "stripe"],
}
KEYS = ["slug", "limit", "price", "features", "interval", "tiers", "creditCost", "credit_cost", "upTo", "unknown", "", "type", "metadata", "value"]


class Generator:
    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.uuids = ["00000000-0000-0000-0000-000000000000"]

    def text(self) -> str:
        roll = self.random.random()
        if roll < 0.85:
            return self.random.choice(TEXTS)
        if roll < 0.95:
            return "".join(chr(self.random.choice([self.random.randint(1, 127), self.random.randint(0xA0, 0xD7FF)])) for _ in range(self.random.randint(0, 40)))
        return self.random.choice(TEXTS) + self.random.choice(TEXTS)

    def json(self, depth: int = 0):
        roll = self.random.random()
        if roll < 0.3 or depth > 4:
            return self.text().replace("\x00", "")
        if roll < 0.5:
            return self.random.choice([0, 1, -1, 0.1, 1e30, -5, 2**63, 10**40, 1e-12, 100, True, False, None])
        if roll < 0.75:
            return [self.json(depth + 1) for _ in range(self.random.randint(0, 4))]
        return {self.key(): self.json(depth + 1) for _ in range(self.random.randint(0, 4))}

    def key(self) -> str:
        return self.random.choice(KEYS) if self.random.random() < 0.7 else self.text()

    def mutated(self, document):
        """The document with a few places replaced, removed, doubled or renamed."""
        document = copy.deepcopy(document)
        for _ in range(self.random.randint(1, 4)):
            parent, step = document, None
            while isinstance(parent, (dict, list)) and parent:
                step = self.random.choice(list(parent)) if isinstance(parent, dict) else self.random.randrange(len(parent))
                if not isinstance(parent[step], (dict, list)) or not parent[step] or self.random.random() < 0.3:
                    break
                parent = parent[step]
            if step is None or not isinstance(parent, (dict, list)) or not parent:
                continue
            self.mutate(parent, step)
        return document

    def mutate(self, parent, step) -> None:
        roll = self.random.random()
        if roll < 0.5:
            parent[step] = self.json()
        elif roll < 0.65:
            del parent[step]
        elif isinstance(parent, list):
            parent.append(copy.deepcopy(parent[step]))
        elif roll < 0.8:
            parent[self.key()] = parent[step]
        else:
            parent[step] = [parent[step]]

    def argument(self, name: str, type_name: str):
        if type_name == "text" and name in LIKELY and self.random.random() < 0.7:
            return self.random.choice(LIKELY[name])
        if name == "events" and self.random.random() < 0.8:
            return json.dumps([self.event() for _ in range(self.random.randint(0, 5))])
        return self.of_type(type_name)

    def event(self):
        event = {"customer": self.argument("customer", "text"), "feature": self.argument("feature", "text")}
        for name, type_name in [("value", "numeric"), ("entity", "text"), ("idempotency_key", "text"), ("occurred_at", "timestamp with time zone")]:
            if self.random.random() < 0.3:
                event[name] = self.argument(name, type_name)
        if self.random.random() < 0.2:
            event[self.key()] = self.json()
        return event

    def of_type(self, name: str):
        """Text that Postgres may or may not read as a value of the type; None is NULL."""
        if self.random.random() < 0.06:
            return None
        if name == "text":
            return self.text()
        if name == "jsonb":
            return json.dumps(self.mutated(EXAMPLE) if self.random.random() < 0.2 else self.json())
        if name == "numeric":
            return self.random.choice(NUMBERS)
        if name in ("integer", "bigint", "smallint"):
            return str(self.random.choice([0, 1, -1, 5, 32767, 2147483647, -2147483648, 9223372036854775807 if name == "bigint" else 100]))
        if name == "timestamp with time zone":
            return self.random.choice(TIMES)
        if name == "interval":
            return self.random.choice(INTERVALS)
        if name == "boolean":
            return self.random.choice(["true", "false"])
        if name == "uuid":
            return self.random.choice(self.uuids)
        if name == "bytea":
            return "\\x" + self.random.randbytes(self.random.randint(0, 50)).hex()
        if name == "regrole":
            return self.random.choice(["owo_app", "owo_nobody", "postgres"])
        if name == "regclass":
            return self.random.choice(["owo.plan", "pg_class", "owo.usage"])
        return self.text()


@pytest.fixture
def seed():
    value = int(os.environ.get("OWO_FUZZ_SEED") or random.randrange(2**32))
    print(f"OWO_FUZZ_SEED={value}")
    return value


def functions(database) -> list[tuple[str, str, list[str], list[str], int]]:
    """Name, kind, argument types, argument names and how many have no default, of every function a user can call."""
    return database.rows(
        """SELECT p.oid::regproc::text, p.prokind::text, ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS a(t, n) ORDER BY n),
                  p.proargnames[:p.pronargs], p.pronargs - p.pronargdefaults
           FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
           WHERE p.proname LIKE 'owo\\_%' AND p.prorettype <> 'trigger'::regtype ORDER BY 1""",
        role="postgres",
    )


class Fuzzer:
    """Calls with generated arguments on one session, and remembers what must not happen."""

    def __init__(self, database, seed, role="owo_admin"):
        self.generator = Generator(seed)
        self.database = database
        self.role = role
        self.problems: list[str] = []
        self.outcomes: dict[str, int] = {}
        self.session = self.open()

    def open(self):
        session = self.database.connect(self.role, autocommit=False, prepare_threshold=None)
        session.execute(f"SET statement_timeout = '{STATEMENT_SECONDS}s'")
        session.commit()
        return session

    def call(self, statement: str, arguments: list) -> None:
        described = f"{statement} {arguments!r}"[:2000]
        try:
            rows = self.session.execute(statement, arguments).fetchall()
            self.remember(rows)
            outcome = "ok"
            if self.generator.random.random() < 0.7:
                self.session.commit()
            else:
                self.session.rollback()
        except psycopg.Error as error:
            outcome = error.sqlstate or "lost"
            if outcome == "lost" or outcome.startswith("XX") or outcome == "57014":
                self.problems.append(f"{outcome}: {error}\n    {described}")
            if self.session.closed:
                self.session = self.open()
            else:
                self.session.rollback()
        except (psycopg.DataError, UnicodeError, ValueError):
            outcome = "client"
            self.session.rollback()
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1

    def remember(self, rows) -> None:
        """Ids that came back are worth passing on."""
        for row in rows[:3]:
            text = str(row)
            for start in range(len(text) - 35):
                piece = text[start : start + 36]
                if piece.count("-") == 4 and piece[8] == "-" and piece[23] == "-" and len(self.generator.uuids) < 200:
                    self.generator.uuids.append(piece)


def prepared(database):
    database.rows("SELECT owo_sync(%s)", json.dumps(EXAMPLE), role="owo_admin")
    with database.connect("owo_admin") as session:
        session.execute("SELECT owo_organization('fuzz', 'Fuzz', 'sandbox')")
        session.execute("SELECT owo_customer('acme', 'ops@acme.test'), owo_customer('zeta')")
        session.execute("SELECT owo_attach('acme', 'pro'), owo_entity_add('acme', 'seats', 'ada')")


def test_functions_with_bad_arguments(database, server_log, seed):
    prepared(database)
    fuzzer = Fuzzer(database, seed)
    targets = functions(database)
    assert targets
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if fuzzer.generator.random.random() < 0.03:
            fuzzer.session.execute("SELECT set_config('owostack.organization', %s, false)", [fuzzer.generator.random.choice(["default", "fuzz"])])
            fuzzer.session.commit()
        name, kind, types, names, required = fuzzer.generator.random.choice(targets)
        count = fuzzer.generator.random.randint(required, len(types))
        arguments = [fuzzer.generator.argument(*each) for each in list(zip(names or [""] * len(types), types))[:count]]
        places = ", ".join(f"%s::{each}" for each in types[:count])
        fuzzer.call(f"CALL {name}({places})" if kind == "p" else f"SELECT {name}({places})::text", arguments)
    finish(fuzzer, server_log)


def test_catalogs_that_are_nearly_right(database, server_log, seed):
    prepared(database)
    fuzzer = Fuzzer(database, seed)
    deadline = time.monotonic() + SECONDS / 2
    while time.monotonic() < deadline:
        document = fuzzer.generator.mutated(EXAMPLE)
        dry = fuzzer.generator.random.choice(["true", "false"])
        fuzzer.call("SELECT owo_sync(%s::jsonb, %s::boolean)", [json.dumps(document), dry])
    finish(fuzzer, server_log)
    again = database.value("SELECT owo_sync(owo_catalog())", role="owo_admin")
    assert [kind for kind in again if isinstance(again[kind], dict) and (again[kind]["created"] or again[kind]["updated"])] == []


def test_documents_that_are_no_catalog(database, server_log):
    """By hand: what a generator finds seldom."""
    fuzzer = Fuzzer(database, 0)
    deep = "[" * 5000 + "]" * 5000
    wide = json.dumps({"features": [{"slug": f"f{n}"} for n in range(3000)]})
    twice = '{"features": [{"slug": "a"}], "features": [{"slug": "b"}]}'
    for document in ["null", "[]", '""', "0", "{}", '{"features": {}}', '{"plans": [null]}', '{"plans": [[]]}', deep, wide, twice,
                     '{"plans": [{"slug": "p", "price": 1e300}]}', '{"plans": [{"slug": "p", "trialDays": 1e18}]}',
                     '{"plans": [{"slug": "p", "trialDays": -1}]}', '{"features": [{"slug": "a", "type": 7}]}',
                     '{"plans": [{"slug": "p", "features": [{"slug": "missing"}]}]}', json.dumps({"features": [{"slug": "s" * 300}]})]:
        fuzzer.call("SELECT owo_sync(%s::jsonb)", [document])
    finish(fuzzer, server_log)


def finish(fuzzer, server_log):
    print(f"{sum(fuzzer.outcomes.values())} calls: {dict(sorted(fuzzer.outcomes.items()))}")
    assert fuzzer.problems == [], "\n".join(fuzzer.problems[:10])
    assert server_log.alarms() == []
    assert sum(fuzzer.outcomes.values()) > 10
    fuzzer.session.close()
    with fuzzer.database.connect("owo_admin") as session:
        for organization in session.execute("SELECT slug FROM owo.organization").fetchall():
            session.execute("SELECT set_config('owostack.organization', %s, false)", organization)
            assert session.execute("SELECT * FROM owo_verify()").fetchall() == []
