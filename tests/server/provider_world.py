"""A shop that sells through a payment provider: a database with the extension and its worker, and a fake beside it.

The organization is a sandbox, and its clock and the fake's stand still together until `pass_time` moves both; or it is
none and lives in real time (`is_real`). What the worker does is
waited for by looking, with a deadline; webhooks go from the fake's queue to `owo_webhook` when `settle` says so, or as a
test tells the fake to deliver them.
"""

import datetime as dt
import json
import re
import time

import psycopg
import pytest

import fake
from fake import Card
from preloaded import PATIENCE, Server

UTC = dt.timezone.utc
SITE = "https://app.example.test"
# Subscriptions of providers that bill once a month are told apart by their prices.
PRICES = {"basic": 90000, "pro": 290000, "team": 990000, "trial": 490000}
CREDITS = 500


def catalog(currency: str) -> dict:
    def plan(slug: str, limit: int | None, **more) -> dict:
        return {"slug": slug, "name": slug.capitalize(), "price": PRICES[slug], "currency": currency, "interval": "monthly",
                "planGroup": "main", "features": [{"slug": "calls", "limit": limit}], **more}

    return {
        "features": [{"slug": "calls", "type": "metered"}],
        "creditSystems": [{"slug": "credits", "features": [{"feature": "calls", "creditCost": 1}]}],
        "creditPacks": [{"slug": "pack", "name": "Pack", "credits": CREDITS, "price": 50000, "currency": currency, "creditSystem": "credits"}],
        "planGroups": [{"slug": "main", "exclusive": True}],
        "plans": [
            {"slug": "free", "name": "Free", "price": 0, "autoEnable": True, "planGroup": "main", "features": [{"slug": "calls", "limit": 10}]},
            plan("basic", 100), plan("pro", 1000), plan("team", 10000), plan("trial", 1000, trialDays=14, trialCardRequired=True)],
    }


def served(name: str, **options):
    """A server for a fixture; when it ends, its log must hold no alarm."""
    server = Server(name, **options)
    yield server
    alarms = server.alarms()
    server.destroy()
    assert alarms == []


def opened(server, request, **options):
    """A shop at the provider that the test is run for, for a fixture."""
    made = World(server, request.param, request.node.name, **options)
    yield made
    made.close()


class World:
    """One shop at one provider."""

    def __init__(self, server, provider: str, name: str, is_real: bool = False, **options):
        self.server, self.provider, self.is_real = server, provider, is_real
        self.currency = "NGN" if provider == "paystack" else "USD"
        self.database = re.sub(r"\W+", "_", name).strip("_")[:60]
        now = dt.datetime.now(UTC).replace(microsecond=0)
        self.fake = fake.start(provider, at=None if is_real else now, **options)
        self.fake.webhooks.sink = self.take
        self.answers: list[tuple] = []
        server.rows(f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)')
        server.rows(f'CREATE DATABASE "{self.database}"')
        server.rows(f'ALTER DATABASE "{self.database}" SET owostack.organization = shop')
        self.rows("CREATE EXTENSION owostack")
        self.rows("SELECT owo_organization('shop', environment => %s)", "live" if is_real else "sandbox")
        self.follow()
        self.account()
        self.rows("SELECT owo_sync(%s::jsonb)", json.dumps({**catalog(self.currency), "defaultProvider": provider}))
        self.rows("SELECT owo_customer('ada', 'ada@example.test', 'Ada Obi')")

    def account(self, **more) -> None:
        credentials = json.dumps(self.fake.credentials(**more))
        self.rows("SELECT owo_provider_set(%s, %s::jsonb, is_default => true)", self.provider, credentials)

    def close(self) -> None:
        """Ends both; a database that stayed would keep one of the few workers."""
        self.fake.stop()
        self.server.rows(f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)')
        assert self.fake.crashes == []
        assert self.fake.unknown == []

    # -- the database ----------------------------------------------------------------------------------------------

    def connect(self, **options) -> psycopg.Connection:
        return self.server.connect(self.database, **options)

    def rows(self, query: str, *arguments) -> list[tuple]:
        return self.server.rows(query, *arguments, database=self.database)

    def row(self, query: str, *arguments) -> dict:
        """The only row, by the names of its columns."""
        with self.connect() as session:
            cursor = session.execute(query, arguments or None)
            found = cursor.fetchall()
            assert len(found) == 1, found
            return dict(zip([column.name for column in cursor.description], found[0]))

    def value(self, query: str, *arguments):
        return self.rows(query, *arguments)[0][0]

    def customer(self, key: str = "ada"):
        return self.value("SELECT id FROM owo.customer WHERE key = %s", key)

    def subscriptions(self, key: str = "ada") -> list[dict]:
        """The customer's subscriptions that cost something, oldest first, with the slug of their plan."""
        with self.connect() as session:
            cursor = session.execute(
                "SELECT s.*, p.slug FROM owo.subscription AS s JOIN owo.plan AS p ON p.id = s.plan_id"
                " WHERE s.customer_id = %s AND s.price_amount > 0 ORDER BY s.created_at, s.id", [self.customer(key)])
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row)) for row in cursor.fetchall()]

    def live(self, key: str = "ada") -> dict:
        """The one subscription that costs something and lives."""
        found = [each for each in self.subscriptions(key) if each["status"] not in ("incomplete", "canceled", "expired")]
        assert len(found) == 1, self.subscriptions(key)
        return found[0]

    def payments(self, status: str = "succeeded") -> list[int]:
        return [amount for (amount,) in self.rows("SELECT amount FROM owo.payment WHERE status = %s ORDER BY created_at, id", status)]

    def allowed(self, key: str = "ada") -> float:
        """How many calls the customer's plan includes."""
        return self.value("SELECT usage_limit FROM owo_check(%s, 'calls')", key)

    # -- webhooks --------------------------------------------------------------------------------------------------

    def take(self, headers: dict, body: bytes) -> int:
        """What a web server's handler does: one call, and the status that follows from it."""
        try:
            found = self.row("SELECT * FROM owo_webhook(%s, %s::jsonb, %s)", self.provider, json.dumps(headers), body)
        except psycopg.errors.InvalidAuthorizationSpecification:
            self.answers.append(("refused", None))
            return 401
        self.answers.append((found["status"], found["duplicate"]))
        return 200

    def is_quiet(self) -> bool:
        """Whether nothing of ours is under way: jobs for the provider, and webhooks that can be applied."""
        return not self.value(
            """SELECT EXISTS (SELECT FROM owo.outbox WHERE state = 'running'
                                OR (state IN ('queued', 'failed') AND next_at < now() + interval '5 seconds'))
                   OR EXISTS (SELECT FROM owo.webhook_event WHERE status = 'received')""")

    def quiet(self) -> None:
        self.waited(self.is_quiet, "the worker comes to rest")

    def waited(self, condition, what: str):
        """As `wait_for`, and tells in vain what is open."""
        end = time.monotonic() + PATIENCE
        while not (value := condition()):
            if time.monotonic() > end:
                pytest.fail(f"not within {PATIENCE} s: {what}: {self.state()}")
            time.sleep(0.02)
        return value

    def settle(self, **how) -> None:
        """Delivers webhooks until neither side has anything to tell the other."""
        while True:
            # A few seconds go by at the provider with all that it does, and what falls due here makes jobs.
            self.follow()
            self.quiet()
            if not self.fake.deliver(**how):
                return

    def follow(self) -> None:
        """Our clock goes where the fake's is."""
        if not self.is_real:
            self.rows("SELECT owo_clock_set(%s)", self.fake.clock.now())

    def insist(self) -> None:
        """Settles without waiting for the dates of repeated attempts: they are moved to now."""
        def settled():
            self.rows("UPDATE owo.outbox SET next_at = now() WHERE state = 'failed'")
            self.rows("UPDATE owo.provider_account SET resting_until = NULL, resting_reason = NULL")
            # Setting an account wakes the worker.
            self.account()
            # What is asked an hour after a renewal is no attempt.
            return not self.value("SELECT EXISTS (SELECT FROM owo.outbox WHERE state NOT IN ('done', 'dead')"
                                  " AND NOT (state = 'queued' AND next_at > now() + interval '5 seconds'))")

        end = time.monotonic() + PATIENCE
        while not settled():
            assert time.monotonic() < end, self.state()
            time.sleep(0.1)
        self.settle()

    def state(self) -> dict:
        """What is open, for a message."""
        return {
            "outbox": self.rows("SELECT kind, state, attempts, error, error_code, progress FROM owo.outbox WHERE state <> 'done'"),
            "webhooks": self.rows("SELECT kind, status, error FROM owo.webhook_event WHERE status NOT IN ('applied', 'ignored')"),
            "asked": [(request.name, request.status) for request in self.fake.requests[-6:]],
        }

    # -- what happens ----------------------------------------------------------------------------------------------

    def pass_time(self, days: float = 0, to: dt.datetime | None = None, **how) -> None:
        """Moves both clocks; the provider bills, tells, and is heard."""
        assert not self.is_real
        self.fake.advance(days=days, to=to)
        self.settle(**how)

    def to_renewal(self, hours: float = 1, **how) -> None:
        """To a moment after the end of the running period."""
        end = self.theirs().end
        self.pass_time(to=end + dt.timedelta(hours=hours), **how)

    def theirs(self) -> fake.model.Subscription:
        """The provider's subscription that our live one is linked to."""
        return self.fake.subscriptions[self.external("subscription", self.live()["id"])]

    def external(self, kind: str, local) -> str:
        return self.value("SELECT external_id FROM owo.provider_ref WHERE kind = %s AND local_id = %s AND state = 'linked'", kind, local)

    def newcomer(self) -> str:
        """Another customer; the key."""
        key = f"eve{self.value('SELECT count(*) FROM owo.customer')}"
        self.rows("SELECT owo_customer(%s, %s, 'Eve')", key, f"{key}@example.test")
        return key

    def paid(self, key: str) -> list[int]:
        """How a customer's money moved at the provider, which knows each of ours once."""
        (theirs,) = [each.id for each in self.fake.customers.values() if each.email == f"{key}@example.test"]
        return [line.amount for line in self.fake.ledger if line.customer == theirs]

    def attach(self, plan: str, key: str = "ada", **more) -> dict:
        names = ", ".join(f"{name} => %s" for name in more)
        return self.row(f"SELECT * FROM owo_attach(%s, %s, callback_url => %s{names and ', ' + names})", key, plan, SITE, *more.values())

    def page(self, checkout) -> str:
        """The provider's id of a checkout, once its address is known."""
        url = self.waited(lambda: self.value("SELECT url FROM owo.checkout WHERE id = %s", checkout), "the address of the page")
        assert url.startswith(self.fake.base_url), url
        return url.rpartition("/")[2]

    def buy(self, plan: str = "pro", key: str = "ada", card: Card | None = None, **more) -> dict:
        """Attach, pay on the page, be told: our subscription."""
        attached = self.attach(plan, key, **more)
        assert attached["code"] == "checkout_required", attached
        self.fake.complete(self.page(attached["checkout_id"]), card)
        self.settle()
        return self.live(key)

    # -- both sides ------------------------------------------------------------------------------------------------

    STATUS = {"canceled": "canceled", "past_due": "past_due", "on_hold": "past_due", "trialing": "trialing", "paused": "paused"}

    def differences(self) -> list[tuple]:
        """Where the provider and we do not say the same, after everything has been told."""
        found = []
        for name, local in self.rows("SELECT external_id, local_id FROM owo.provider_ref WHERE kind = 'subscription'"):
            theirs = self.fake.subscriptions[name]
            ours = self.row("SELECT * FROM owo.subscription WHERE id = %s", local)
            pairs = {"status": (ours["status"], self.STATUS.get(theirs.status, theirs.status))}
            if theirs.lives:
                pairs["start"] = (ours["period_start"], theirs.start)
                pairs["end"] = (ours["period_end"], theirs.end)
                pairs["cancels"] = (ours["cancel_at"] is not None, theirs.cancels)
            found += [(name, what, *pair) for what, pair in pairs.items() if pair[0] != pair[1]]
        succeeded = [payment for payment in self.fake.payments.values() if payment.status == "succeeded" and payment.total]
        taken = sorted(payment.total for payment in succeeded)
        if sorted(self.payments()) != taken:
            found.append(("payments", sorted(self.payments()), taken))
        back = sorted(refund.amount + refund.tax for refund in self.fake.refunds.values() if refund.status == "succeeded")
        ours = sorted(amount for (amount,) in self.rows("SELECT amount FROM owo.refund WHERE status = 'succeeded'"))
        if ours != back:
            found.append(("refunds", ours, back))
        methods = {method.id for method in self.fake.methods.values() if method.attached}
        if self.provider == "polar":
            # It tells only of the card that a customer pays with by default.
            methods = {customer.default_method for customer in self.fake.customers.values()} - {None}
        kept = {name for (name,) in self.rows("SELECT external_id FROM owo.payment_method WHERE account_id IS NOT NULL")}
        if kept != methods:
            found.append(("methods", kept, methods))
        return found

    def agree(self) -> None:
        """Both sides say the same, the books are right, and nothing was given up."""
        assert self.differences() == []
        assert self.rows("SELECT * FROM owo_verify()") == []
        assert self.rows("SELECT kind, error FROM owo.outbox WHERE state = 'dead'") == []
        assert self.rows("SELECT kind, status, error FROM owo.webhook_event WHERE status IN ('conflict', 'dead', 'unknown')") == []
