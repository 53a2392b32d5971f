"""What a provider's events end in does not depend on the order in which they come, nor on how often.

Each history is a set of sample events of one subscription. It is delivered in the order of its moments, and then in every
other order, or in many drawn at random, with some events twice; the rows must be the same at the end. ORDER_SECONDS says
how long each history may take, ORDER_SEED repeats a run.
"""

import itertools
import json
import os
import random
import time

import pytest
from webhook import FIXTURES, NOW, SECRETS, deliver, organization, sign

SECONDS = float(os.environ.get("ORDER_SECONDS", "6"))
SEED = int(os.environ.get("ORDER_SEED", str(random.randrange(1 << 32))))

# The prices of the samples: provider, its id, slug of the plan, minor units, currency.
PRICES = {
    "stripe": [("price_OwoProMonthly00000001", "pro", 2900, "USD"), ("price_OwoTeamMonthly0000001", "team", 9900, "USD")],
    "paystack": [("PLN_owopro0000000001", "pro", 500000, "NGN")],
    "dodo": [("pdt_OwoPro0001", "pro", 2900, "USD"), ("pdt_OwoTeam0001", "team", 9900, "USD")],
    "polar": [
        ("0f0e0d0c-0b0a-4a0b-8c0d-000000000006", "pro", 2900, "USD"),
        ("0f0e0d0c-0b0a-4a0b-8c0d-000000000021", "team", 9900, "USD"),
    ],
}
# A year on: every date of the samples has passed.
LATER = NOW + 400 * 86_400

# Samples that tell one story, in its order. What the samples tell twice in two ways, such as two ends of one subscription,
# is in different histories; where a cancellation was taken back, the clock stays before its date.
HISTORIES = {
    "stripe-life": (
        "stripe",
        NOW,
        [
            "customer.created",
            "customer.subscription.created",
            "payment_method.attached",
            "invoice.paid",
            "invoice_payment.paid",
            "checkout.session.completed.subscription",
            "refund.created",
            "refund.updated",
            "refund.failed",
            "customer.subscription.updated.cancel_at_period_end",
            "customer.subscription.updated.uncanceled",
            "customer.subscription.updated.renewed",
            "invoice.payment_failed",
            "customer.subscription.updated.past_due",
            "payment_method.detached",
            "customer.subscription.updated.unpaid",
            "customer.subscription.deleted.payment_failed",
        ],
    ),
    "stripe-recovery-late": (
        "stripe",
        LATER,
        [
            "customer.subscription.created",
            "checkout.session.completed.subscription",
            "invoice.paid",
            "invoice_payment.paid",
            "customer.subscription.updated.renewed",
            "invoice.payment_failed",
            "invoice.paid.renewal",
            "payment_method.attached",
        ],
    ),
    "stripe-trial": (
        "stripe",
        NOW,
        [
            "customer.subscription.created.trialing",
            "checkout.session.completed.subscription_trial",
            "invoice.paid.trial_zero",
            "customer.subscription.trial_will_end",
            "customer.subscription.paused",
        ],
    ),
    "stripe-never-paid": (
        "stripe",
        NOW,
        ["customer.subscription.created.incomplete", "customer.subscription.updated.incomplete_expired"],
    ),
    "stripe-plan-changed": (
        "stripe",
        NOW,
        ["customer.subscription.created", "checkout.session.completed.subscription", "customer.subscription.updated.plan_changed"],
    ),
    "stripe-legacy": (
        "stripe",
        LATER,
        [
            "customer.subscription.created",
            "legacy-2024-06-20/customer.subscription.updated",
            "legacy-2024-06-20/invoice.payment_failed",
            "legacy-2024-06-20/invoice.paid",
        ],
    ),
    "polar-life": (
        "polar",
        NOW,
        [
            "customer.created",
            "subscription.created",
            "checkout.updated",
            "order.paid",
            "subscription.active",
            "subscription.updated",
            "refund.created",
            "refund.updated",
            "refund.updated.failed",
            "subscription.updated.cancel_at_period_end",
            "subscription.canceled",
            "subscription.uncanceled",
            "subscription.cycled",
            "order.paid.renewal",
            "order.updated.renewal_failed",
            "subscription.past_due",
            "subscription.revoked.unpaid",
        ],
    ),
    "polar-pause-late": (
        "polar",
        LATER,
        ["subscription.created", "checkout.updated", "subscription.active", "order.paid", "subscription.paused", "subscription.resumed"],
    ),
    "polar-canceled-at-once": ("polar", NOW, ["subscription.active", "checkout.updated", "order.paid", "subscription.canceled.immediate"]),
    "polar-trial": ("polar", NOW, ["customer.created", "subscription.created.trialing", "checkout.updated"]),
    "dodo-life": (
        "dodo",
        NOW,
        [
            "payment.succeeded",
            "subscription.active",
            "refund.succeeded",
            "refund.failed",
            "subscription.updated.cancel_scheduled",
            "subscription.update_payment_method",
            "subscription.paused",
            "subscription.unpaused",
            "payment.failed",
            "subscription.renewed",
            "subscription.on_hold",
            "subscription.past_due",
            "subscription.expired",
        ],
    ),
    "dodo-leaves": ("dodo", NOW, ["subscription.active", "payment.succeeded", "subscription.updated.cancel_scheduled", "subscription.cancelled"]),
    "dodo-trial": ("dodo", NOW, ["subscription.active.trial", "payment.succeeded.trial_zero"]),
    "dodo-refused": ("dodo", NOW, ["subscription.failed", "payment.cancelled"]),
    # Paystack dates nothing: two of its events on one subscription have it fetched, which needs a provider to ask.
    "paystack-first-month": (
        "paystack",
        NOW,
        ["charge.success.plan", "subscription.create", "refund.pending", "refund.processing", "refund.processed", "charge.success.plan_renewal"],
    ),
}

CATALOG = {
    "features": [{"slug": "calls", "type": "metered"}],
    "plans": [
        {"slug": "pro", "name": "Pro", "price": 2900, "currency": "USD", "interval": "monthly", "planGroup": "main",
         "features": [{"slug": "calls", "limit": 100}]},
        {"slug": "team", "name": "Team", "price": 9900, "currency": "USD", "interval": "monthly", "planGroup": "main",
         "features": [{"slug": "calls", "limit": 500}]},
    ],
}  # fmt: skip

# Everything that events may write, less the moments at which it was written, and less the record of events itself.
ROWS = """
SELECT 'subscription' AS what, to_jsonb(s) - '{created_at,updated_at,anchor_moved_at,earlier_anchors}'::text[] AS row FROM owo.subscription AS s
UNION ALL SELECT 'change', to_jsonb(p) - '{created_at}'::text[] FROM owo.plan_change AS p
UNION ALL SELECT 'trial', to_jsonb(t) FROM owo.trial AS t
UNION ALL SELECT 'checkout', to_jsonb(c) - '{created_at,updated_at}'::text[] FROM owo.checkout AS c
UNION ALL SELECT 'payment', to_jsonb(p) - '{updated_at}'::text[] FROM owo.payment AS p
UNION ALL SELECT 'refund', to_jsonb(r) - '{updated_at}'::text[] FROM owo.refund AS r
UNION ALL SELECT 'method', to_jsonb(m) FROM owo.payment_method AS m
UNION ALL SELECT 'link', to_jsonb(f) - '{created_at,updated_at}'::text[] FROM owo.provider_ref AS f
UNION ALL SELECT 'identity', to_jsonb(i) - '{created_at}'::text[] FROM owo.identity AS i
UNION ALL SELECT 'grant', to_jsonb(g) - '{created_at}'::text[] FROM owo.credit_grant AS g
UNION ALL SELECT 'open event', to_jsonb(w.kind) FROM owo.webhook_event AS w WHERE w.status NOT IN ('applied', 'ignored')
ORDER BY 1, 2
"""


class Shop:
    """A customer whose paid plan waits for its checkout at a provider, in a transaction that every order rolls back."""

    def __init__(self, database, provider: str, at: int, samples: list[str]):
        organization(database, "shop", {provider: SECRETS[provider]}, NOW)
        self.provider = provider
        self.session = database.connect("postgres", options="-c owostack.organization=shop")
        run = self.session.execute
        # A background worker, where there is one, has nobody to call.
        run("UPDATE owo.provider_account SET resting_until = '2100-01-01', resting_reason = 'a test'")
        currency = PRICES[provider][0][3]
        catalog = json.loads(json.dumps(CATALOG))
        for plan, (_, slug, amount, _) in itertools.product(catalog["plans"], PRICES[provider]):
            plan["currency"] = currency
            if plan["slug"] == slug:
                plan["price"] = amount
        run("SELECT owo_sync(%s)", (json.dumps(catalog),))
        self.customer = run("SELECT (owo_customer('user_42', 'ada@example.test')).id").fetchone()[0]
        checkout = run("SELECT (owo_attach('user_42', 'pro', provider => %s, callback_url => 'https://app.test')).checkout_id", (provider,)).fetchone()[0]
        for external_id, slug, amount, currency in PRICES[provider]:
            run(
                """INSERT INTO owo.provider_ref (account_id, kind, external_id, local_id, key, created_at, updated_at)
                   SELECT a.id, 'plan', %s, p.id, format('%%s.%%s.%%s.monthly', p.id, %s::int, %s::text), now(), now()
                     FROM owo.provider_account AS a, owo.plan AS p WHERE p.slug = %s""",
                (external_id, amount, currency, slug),
            )
        if at != NOW:
            run("SELECT owo_clock_set(to_timestamp(%s))", (at,))
        texts = {"owo-chk-7f3a": f"owo-{checkout}", "chk_7f3a": str(checkout), "user_42": str(self.customer)}
        self.events = []
        for name in samples:
            body = (FIXTURES / provider / "events" / f"{name}.json").read_text()
            for old, new in texts.items():
                body = body.replace(old, new)
            body = body.encode()
            self.events.append((name, sign(provider, body, at, f"msg_{name}"), body))
        self.session.autocommit = False

    def play(self, order: list[int]) -> tuple[list, list]:
        """The rows that an order of events ends in, and what was told to listeners about money."""
        run = self.session.execute
        for number in order:
            _, headers, body = self.events[number]
            deliver(self.session, self.provider, headers, body)
            run("SELECT owo_worker_tick()")
        # What was parked and found its cause goes on at the next rounds.
        for _ in range(3):
            run("SELECT owo_worker_tick()")
        rows = run(ROWS).fetchall()
        told = run("SELECT type, count(*) FROM owo.event WHERE type LIKE 'payment.%' GROUP BY 1 ORDER BY 1").fetchall()
        self.session.rollback()
        return rows, told


def orders(count: int, dice: random.Random):
    """Every order of a few events, then orders at random with some events twice, without end."""
    if count <= 4:
        yield from (list(order) for order in itertools.permutations(range(count)))
    yield list(reversed(range(count)))
    while True:
        order = list(range(count)) + dice.choices(range(count), k=dice.randrange(4))
        dice.shuffle(order)
        yield order


def named(rows: list) -> list[str]:
    return [f"{what} {json.dumps(row, sort_keys=True)}" for what, row in rows]


@pytest.mark.parametrize("name", HISTORIES)
def test_every_order_ends_in_the_same_rows(database, name):
    provider, at, samples = HISTORIES[name]
    print(f"ORDER_SEED={SEED}")
    dice = random.Random(f"{SEED} {name}")
    shop = Shop(database, provider, at, samples)
    expected, told = shop.play(list(range(len(samples))))
    assert any(what == "subscription" and row["linked"] for what, row in expected)
    end, played = time.monotonic() + SECONDS, 0
    for order in orders(len(samples), dice):
        if played and time.monotonic() > end:
            break
        rows, heard = shop.play(order)
        played += 1
        story = [samples[number] for number in order]
        missing = [line for line in named(expected) if line not in named(rows)]
        surplus = [line for line in named(rows) if line not in named(expected)]
        assert not missing and not surplus, "\n".join([f"seed {SEED}, order {story}", "missing:", *missing, "instead:", *surplus])
        assert dict(heard).get("payment.succeeded") == dict(told).get("payment.succeeded"), (SEED, story)
    print(f"{name}: {played} orders")
