"""A server whose worker calls a fake provider, and jobs whose operation is fixed beforehand.

What a job becomes is planned elsewhere; here is only whether it is sent, repeated and recorded as it must be.
"""

import json
import uuid

import psycopg.types.json
from preloaded import Server, wait_for

import fake
from fake import Card

Json = psycopg.types.json.Jsonb
AMOUNT = 125000
CURRENCY = {"paystack": "NGN"}


class Outbox:
    """One database with an account at a fake, on a server of its own."""

    def __init__(self, server: Server, provider: str = "stripe", **options):
        self.server, self.provider, self.database = server, provider, f"outbox_{provider}"
        self.fake = fake.start(provider, **options)
        self.currency = CURRENCY.get(provider, "USD")
        server.rows(f'CREATE DATABASE "{self.database}"')
        self.rows("CREATE EXTENSION owostack")
        self.customer_id = self.value("SELECT id FROM owo_customer('acme')")
        self.rows("SELECT owo_provider_set(%s, %s)", provider, Json(self.fake.credentials()))
        self.account_id = self.value("SELECT id FROM owo.provider_account")
        self.payer = self.fake.make_customer(email="ada@example.test", name="Ada Obi")
        self.method = self.fake.save_card(self.payer, Card())
        self.product = None

    def close(self):
        self.fake.stop()
        assert self.fake.crashes == []
        assert self.fake.unknown == []

    def rows(self, query: str, *arguments) -> list[tuple]:
        """What the test itself writes survives every crash, whatever the worker's commits do."""
        with self.server.connect(self.database, options="-c synchronous_commit=on") as session:
            cursor = session.execute(query, arguments or None)
            return cursor.fetchall() if cursor.description else []

    def value(self, query: str, *arguments):
        return self.rows(query, *arguments)[0][0]

    # -- jobs --------------------------------------------------------------------------------------------------------

    def enqueue(self, job: dict, operation: dict | None, lane: str | None = None, customer: bool = False, wake: bool = True) -> str:
        """A job with its operation; returns its id. Not to be woken, it is due in a day."""
        name = str(uuid.uuid4())
        self.rows(
            """INSERT INTO owo.outbox (id, account_id, organization_id, customer_id, kind, subject_id, lane, job, operation, next_at, created_at, updated_at)
               SELECT %s, id, organization_id, %s, %s, %s, %s, %s, %s, now() + interval '1 day', now(), now() FROM owo.provider_account""",
            name, self.customer_id if customer else None, job["job"], name, lane or name, Json(job), Json(operation) if operation else None,
        )
        if wake:
            self.retry(name)
        return name

    def look(self, **options) -> str:
        """A job that only looks: one page of what plans there are."""
        return self.enqueue({"job": "import_plans", "cursor": None}, {"list_plans": {"cursor": None}}, **options)

    def charge(self, **options) -> str:
        """A job that moves money."""
        if self.provider in ("dodo", "polar") and not self.product:
            self.product = self.make_product()
        payment = str(uuid.uuid4())
        self.rows(
            """INSERT INTO owo.payment (customer_id, id, organization_id, account_id, provider, status, reason, amount, currency, created_at, updated_at)
               SELECT c.id, %s, c.organization_id, a.id, a.provider, 'pending', 'off_session', %s, %s, now(), now()
                 FROM owo.customer AS c, owo.provider_account AS a""",
            payment, AMOUNT, self.currency,
        )
        draft = {"customer": self.payer.id, "email": self.payer.email, "method": self.method_token(), "description": "Usage",
                 "money": {"amount": AMOUNT, "currency": self.currency}, "product": self.product}
        return self.enqueue({"job": "charge", "payment_id": payment}, {"charge": draft}, customer=True, **options)

    def method_token(self) -> str:
        return self.method.secret or self.method.id

    def make_product(self) -> str:
        draft = {"plan_id": str(uuid.uuid4()), "key": "any", "name": "Anything", "description": None, "cadence": None, "tax_category": None,
                 "price": {"open": self.currency}}
        self.done(self.enqueue({"job": "ensure_product", "purpose": "charge", "currency": self.currency}, {"ensure_plan": draft}))
        return list(self.fake.products)[-1]

    def retry(self, name: str):
        self.rows("SELECT owo_queue_retry(%s)", name)

    def row(self, name: str) -> dict:
        with self.server.connect(self.database) as session:
            cursor = session.execute("SELECT * FROM owo.outbox WHERE id = %s", [name])
            return dict(zip([column.name for column in cursor.description], cursor.fetchone()))

    def state(self, name: str) -> str:
        return self.row(name)["state"]

    def reaches(self, name: str, *states: str) -> dict:
        """The row as soon as it is in one of the states."""
        wait_for(lambda: self.state(name) in states, f"job {name} becomes {states}, is {self.row(name)}")
        return self.row(name)

    def done(self, name: str) -> dict:
        """The row when it is done; what waits for its time is hurried along."""

        def is_done():
            state = self.state(name)
            if state == "failed":
                self.hurry()
            assert state != "dead", self.row(name)
            return state == "done"

        try:
            wait_for(is_done, f"job {name} is done")
        except AssertionError as error:
            error.add_note(f"{self.row(name)}")
            error.add_note(f"{self.server.status(self.database)}")
            raise
        return self.row(name)

    def hurry(self):
        """Time passes for jobs and leases, and the worker notices."""
        self.rows("UPDATE owo.outbox SET next_at = now() WHERE state = 'failed'")
        self.rows("UPDATE owo.provider_account SET resting_until = NULL, resting_reason = NULL WHERE resting_until IS NOT NULL")
        for (name,) in self.rows("SELECT id FROM owo.outbox WHERE state = 'failed'"):
            try:
                self.retry(name)
            except psycopg.errors.ObjectNotInPrerequisiteState:
                pass  # taken up meanwhile

    def end_leases(self):
        """The two minutes after a worker's death have passed."""
        self.rows("UPDATE owo.outbox SET lease_until = now() WHERE state = 'running'")
        self.rows("SELECT owo_customer('somebody')")
        self.look()

    def moved(self, name: str) -> int:
        """How often money moved for a job."""
        return len(self.fake.ledger.by_operation(name))


__all__ = ["AMOUNT", "Json", "Outbox", "wait_for"]
