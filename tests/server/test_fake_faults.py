"""The fake's faults are what they say: each is seen from outside, with and without its effect on money."""

import datetime as dt
import http.client
import json
import ssl
import urllib.parse

import pytest

import fake
from fake import Card, certificates

UTC = dt.timezone.utc
CHARGE = "POST /v1/payment_intents"


def ask(account, method: str, path: str, body: dict | None = None, key: str | None = None, timeout: float = 5, **headers):
    """A request as plain as it can be: status, headers and bytes."""
    connection = http.client.HTTPConnection("127.0.0.1", account.server.port, timeout=timeout)
    sent = (urllib.parse.urlencode(body) if account.provider == "stripe" else json.dumps(body)) if body else None
    connection.request(method, path, sent, {"Authorization": f"Bearer {key or account.secret_key}", **headers})
    answer = connection.getresponse()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


@pytest.fixture
def stripe():
    with fake.start("stripe") as account:
        customer = account.make_customer(email="ada@example.test", name="Ada Obi")
        account.charge = {"amount": 500, "currency": "usd", "customer": customer.id, "confirm": "true", "off_session": "true",
                          "payment_method": account.save_card(customer, Card()).id, "metadata[owo_operation]": "op"}
        yield account
        assert account.crashes == []


def charge(account, **headers):
    return ask(account, "POST", "/v1/payment_intents", account.charge, **headers)


@pytest.mark.parametrize("provider", fake.PROVIDERS)
def test_a_key_that_is_not_the_accounts_is_refused(provider):
    path = {"stripe": "/v1/prices", "paystack": "/plan", "dodo": "/products", "polar": "/v1/products/"}[provider]
    with fake.start(provider) as account:
        assert ask(account, "GET", path)[0] == 200
        assert ask(account, "GET", path, key="sk_test_wrong")[0] == 401


def test_too_many_requests_move_nothing_and_say_when_to_come_back(stripe):
    stripe.fail(CHARGE, "rate_limited", times=2, detail=7)
    for _ in range(2):
        status, headers, body = charge(stripe)
        assert (status, headers["retry-after"]) == (429, "7")
        assert json.loads(body)["error"]["code"] == "rate_limit"
    assert stripe.ledger == []
    assert charge(stripe)[0] == 200
    assert stripe.ledger.sum("USD") == 500


@pytest.mark.parametrize("kind,moved", [("error", 0), ("error_after", 500), ("page", 0), ("page_after", 500), ("redirect", 0)])
def test_an_answer_that_is_no_good_one(stripe, kind, moved):
    stripe.fail(CHARGE, kind)
    status, headers, body = charge(stripe)
    assert status == {"error": 500, "error_after": 500, "redirect": 302}.get(kind, 502)
    assert ("location" in headers) == (kind == "redirect")
    assert body.startswith(b"<html>") == kind.startswith("page")
    assert stripe.ledger.sum("USD") == moved


@pytest.mark.parametrize("kind,moved", [("reset", 0), ("reset_after", 500), ("hang", 0), ("hang_after", 500), ("half", 500)])
def test_an_answer_that_does_not_arrive(stripe, kind, moved):
    stripe.fail(CHARGE, kind, detail=1)
    with pytest.raises((OSError, http.client.HTTPException)):
        charge(stripe, timeout=0.3)
    assert stripe.ledger.sum("USD") == moved


def test_an_answer_that_cannot_be_read(stripe):
    stripe.fail(CHARGE, "invalid_json")
    with pytest.raises(json.JSONDecodeError):
        json.loads(charge(stripe)[2])
    stripe.fail(CHARGE, "oversized", detail=1_000_000)
    assert len(charge(stripe)[2]) == 1_000_000
    stripe.fail(CHARGE, "empty")
    assert charge(stripe)[2] == b""
    assert len(stripe.ledger) == 3


def test_a_key_of_idempotency_moves_money_once(stripe):
    key = {"Idempotency-Key": "k"}
    stripe.fail(CHARGE, "hang_after", detail=1)
    with pytest.raises(OSError):
        charge(stripe, timeout=0.3, **key)
    status, headers, body = charge(stripe, **key)
    assert (status, headers["idempotent-replayed"]) == (200, "true")
    assert json.loads(body)["id"] == stripe.ledger[0].object
    stripe.charge["amount"] = 600
    assert json.loads(charge(stripe, **key)[2])["error"]["type"] == "idempotency_error"
    assert [(line.amount, line.operation) for line in stripe.ledger] == [(500, "op")]


def test_a_failure_after_the_effect_is_given_again_for_its_key(stripe):
    stripe.fail(CHARGE, "error_after")
    assert charge(stripe, **{"Idempotency-Key": "k"})[0] == 500
    assert charge(stripe, **{"Idempotency-Key": "k"})[0] == 500
    assert len(stripe.ledger) == 1


def test_what_somebody_else_did_just_before_is_refused(stripe):
    intent = json.loads(charge(stripe)[2])["id"]
    stripe.fail("POST /v1/refunds", "already_done")
    status, _, body = ask(stripe, "POST", "/v1/refunds", {"payment_intent": intent})
    assert (status, json.loads(body)["error"]["code"]) == (400, "charge_already_refunded")
    assert stripe.ledger.sum("USD") == 0


def test_what_was_never_paid_is_not_given_back(stripe):
    stripe.methods[stripe.charge["payment_method"]].card.decline = "do_not_honor"
    status, _, body = charge(stripe)
    assert (status, json.loads(body)["error"]["decline_code"]) == (402, "do_not_honor")
    refund = {"payment_intent": json.loads(body)["error"]["payment_intent"]["id"]}
    assert ask(stripe, "POST", "/v1/refunds", refund)[0] == 400
    assert stripe.ledger == []


def test_a_certificate_counts_only_with_its_authority(tmp_path):
    good, other = certificates.make(tmp_path / "good"), certificates.make(tmp_path / "other")
    expired = certificates.make(tmp_path / "expired", expired=True)
    elsewhere = certificates.make(tmp_path / "elsewhere", names="DNS:example.test")

    def trusted(certificate, authority) -> bool:
        with fake.start("dodo", certificate=certificate) as account:
            context = ssl.create_default_context(cafile=authority.authority)
            connection = http.client.HTTPSConnection("127.0.0.1", account.server.port, context=context, timeout=5)
            try:
                connection.request("GET", "/products", headers={"Authorization": f"Bearer {account.secret_key}"})
            except ssl.SSLCertVerificationError:
                return False
            return connection.getresponse().status == 200

    assert trusted(good, good)
    assert not trusted(good, other)
    assert not trusted(expired, expired)
    assert not trusted(elsewhere, elsewhere)


def test_deliveries_go_wrong_as_told():
    with fake.start("stripe") as account:
        taken = []
        account.webhooks.sink = lambda headers, body: taken.append((headers, json.loads(body)["type"]))
        customer = account.make_customer(email="ada@example.test")
        account.save_card(customer, Card())
        kinds = ["customer.created", "payment_method.attached"]
        assert account.deliver(hold="payment_method.attached") == kinds[:1]
        assert account.deliver(drop="payment_method.attached") == []
        account.save_card(customer, Card("1881"))
        account.make_customer(email="bob@example.test")
        assert account.deliver(backwards=True, times=2, upper=True) == kinds
        assert [kind for _, kind in taken] == [kinds[0], *kinds[:1] * 2, *kinds[1:] * 2]
        assert "STRIPE-SIGNATURE" in taken[-1][0]
        account.make_customer(email="eve@example.test")
        account.webhooks.sink = lambda headers, body: 500
        assert account.deliver() == []
        account.webhooks.sink = lambda headers, body: taken.append((headers, "both"))
        account.deliver(secrets=["whsec_old", account.webhook_secret])
        assert taken[-1][0]["Stripe-Signature"].count("v1=") == 2


def test_time_brings_what_falls_due_in_its_order():
    with fake.start("polar", at=dt.datetime(2026, 1, 31, tzinfo=UTC)) as account:
        product = {"name": "Pro", "recurring_interval": "month", "prices": [{"amount_type": "fixed", "price_amount": 2900, "price_currency": "usd"}]}
        made = json.loads(ask(account, "POST", "/v1/products/", product)[2])
        page = json.loads(ask(account, "POST", "/v1/checkouts/", {"products": [made["id"]], "customer_email": "ada@example.test"})[2])
        account.complete(page["id"])
        account.advance(days=70)
        subscription = next(iter(account.subscriptions.values()))
        # Each month that lacks the 31st ends on its last day; the next one has it again.
        assert [line.at.date().isoformat() for line in account.ledger] == ["2026-01-31", "2026-02-28", "2026-03-31"]
        assert subscription.end.date().isoformat() == "2026-04-30"
