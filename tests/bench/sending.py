"""Providers: webhooks applied, and calls under way without an open transaction, against a fake on this machine."""

import hashlib
import hmac
import json
import time
import uuid

from place import DATABASE, ROOT, Place
from psycopg.types.json import Jsonb
from report import Result, at_least

import fake

SAMPLE = ROOT / "src/provider/tests/fixtures/stripe/events/payment_intent.succeeded.off_session.json"
SECRET = "whsec_bench"
PAYERS = 1_000
CALLS = 50


def account(place: Place, base_url: str | None = None):
    """An account at a fake, and customers that it knows."""
    credentials = {"secret_key": "sk_test_bench", "webhook_secret": SECRET, "base_url": base_url}
    with place.server.connect(DATABASE) as session:
        session.execute("SELECT owo_provider_set('stripe', %s)", [Jsonb({name: value for name, value in credentials.items() if value})])
        session.execute(
            """INSERT INTO owo.provider_ref (account_id, kind, external_id, local_id, customer_id, created_at, updated_at)
               SELECT a.id, 'customer', 'cus_' || n, c.id, c.id, now(), now()
                 FROM generate_series(1, %s) AS n
                 JOIN owo.customer AS c ON c.key = 'customer-' || n, owo.provider_account AS a
               ON CONFLICT DO NOTHING""",
            [PAYERS],
        )


def deliveries(count: int):
    """Genuine webhooks of payments, each of its own, of customers in turn."""
    sample = json.loads(SAMPLE.read_text())
    stamp = int(time.time())
    for number in range(count):
        sample["id"], sample["created"] = f"evt_{uuid.uuid4().hex}", stamp
        payer, name = number % PAYERS + 1, uuid.uuid4().hex
        sample["data"]["object"].update(
            id=f"pi_{name}", latest_charge=f"ch_{name}", customer=f"cus_{payer}", payment_method=f"pm_{payer}", created=stamp, metadata={"owo_purpose": "usage"}
        )
        body = json.dumps(sample).encode()
        tag = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        yield {"Stripe-Signature": f"t={stamp},v1={tag}"}, body


def webhooks(place: Place, settings, _chart: dict) -> list[Result]:
    """Received first, so that what is measured is their effect: a payment and an event each."""
    account(place)
    count = settings.webhooks
    with place.server.connect(DATABASE) as session:
        # What the rows before this one have recorded is folded first: a round would do that too.
        while session.execute("SELECT EXISTS (SELECT FROM owo.usage_pending)").fetchone()[0]:
            session.execute("SELECT owo_worker_tick(10)")
        began = time.monotonic()
        for headers, body in deliveries(count):
            session.execute("SELECT owo_webhook('stripe', %s, %s)", [Jsonb(headers), body])
        received = count / (time.monotonic() - began)
        before = session.execute("SELECT count(*) FROM owo.payment").fetchone()[0]
        began = time.monotonic()
        while session.execute("SELECT count(*) FROM owo.webhook_event WHERE status = 'received'").fetchone()[0]:
            session.execute("SELECT owo_worker_tick(10)")
        applied = count / (time.monotonic() - began)
        made = session.execute("SELECT count(*) FROM owo.payment").fetchone()[0] - before
    assert made == count, f"{made} payments of {count} webhooks"
    return [
        Result("webhooks received, one session", f"{received:,.0f}/s", "", "", "", None),
        at_least("webhooks applied: a payment each, of 1,000 customers", applied, 2_000),
    ]


def calls(place: Place, settings, _chart: dict) -> list[Result]:
    """Fifty calls that the provider keeps waiting, and what is open in the database meanwhile."""
    place.server.rows("ALTER SYSTEM SET owostack.outbox_concurrency = 64")
    with fake.start("stripe", secret_key="sk_test_bench") as stripe:
        account(place, stripe.base_url)
        stripe.fail("GET /v1/prices", "hang", times=CALLS, detail=20)
        with place.worker():
            for _ in range(CALLS):
                enqueue(place)
            most, transactions = 0, 0
            end = time.monotonic() + 20
            while most < CALLS and time.monotonic() < end:
                most = max(most, place.value("SELECT count(*) FROM owo.outbox WHERE state = 'running'"))
                time.sleep(0.1)
            for _ in range(20):
                transactions += place.value(
                    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'owostack worker' AND datname = current_database()"
                    " AND state = 'idle' AND xact_start IS NOT NULL"
                )
                time.sleep(0.05)
        place.rows("DELETE FROM owo.outbox")
    place.server.rows("ALTER SYSTEM RESET owostack.outbox_concurrency")
    what = "calls under way at a time, transactions open for them"
    return [Result(what, f"{most}, {transactions}", "", "", f"{CALLS}, 0", most >= CALLS and transactions == 0)]


def enqueue(place: Place):
    name = str(uuid.uuid4())
    with place.server.connect(DATABASE) as session:
        session.execute(
            """INSERT INTO owo.outbox (id, account_id, organization_id, kind, subject_id, lane, job, next_at, created_at, updated_at)
               SELECT %s, id, organization_id, 'import_plans', %s, %s, '{"job": "import_plans", "cursor": null}', now() + interval '1 day', now(), now()
                 FROM owo.provider_account""",
            [name, name, name],
        )
        session.execute("SELECT owo_queue_retry(%s)", [name])
