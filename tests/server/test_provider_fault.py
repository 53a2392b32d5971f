"""What goes wrong between us and a provider: every kind of broken answer, wrong keys, silence, certificates.

Whatever it is, money moves once, and what was asked for is done in the end.
"""

import datetime as dt
import stat

import pytest

import fake
from fake import certificates
from preloaded import wait_for
from provider_world import CREDITS, PRICES, SITE, World, opened, served

KINDS = ("rate_limited", "error", "error_after", "hang_after", "reset", "reset_after", "page_after", "redirect", "half", "oversized",
         "invalid_json")
# One of each that are read alike, where a test takes long.
CHIEF = ("rate_limited", "error", "error_after", "hang_after", "reset_after", "half", "invalid_json")
# What is charged at once with a saved card: the request that moves the money.
CHARGES = {"stripe": "POST /v1/payment_intents", "paystack": "POST /transaction/charge_authorization", "dodo": "POST /checkouts",
           "polar": "POST /v1/orders/*/finalize"}
REFUNDS = {"stripe": "POST /v1/refunds", "paystack": "POST /refund", "dodo": "POST /refunds", "polar": "POST /v1/refunds/"}
# What opens a page, changes a plan at once, and for the next period.
OPENS = {"stripe": "POST /v1/checkout/sessions", "paystack": "POST /transaction/initialize", "dodo": "POST /checkouts", "polar": "POST /v1/checkouts/"}
CHANGES = {"stripe": "POST /v1/subscriptions/*", "paystack": "POST /transaction/charge_authorization",
           "dodo": "POST /subscriptions/*/change-plan", "polar": "PATCH /v1/subscriptions/*"}
LATER = {**CHANGES, "stripe": "POST /v1/subscription_schedules*", "paystack": "POST /subscription"}


@pytest.fixture(scope="module")
def server():
    yield from served("provider_fault", owostack__http_timeout="700")


@pytest.fixture
def world(server, request):
    yield from opened(server, request)


everywhere = pytest.mark.parametrize("world", fake.PROVIDERS, indirect=True)


def strike(world, routes: dict, kind: str):
    return world.fake.fail(routes[world.provider], kind, detail={"rate_limited": 1, "hang_after": 30, "oversized": 6_000_000}.get(kind))


def pack_at_once(world) -> None:
    found = world.row("SELECT * FROM owo_addon('ada', 'pack', callback_url => %s)", SITE)
    assert not found["requires_checkout"], found


@everywhere
@pytest.mark.parametrize("kind", KINDS)
def test_a_charge_moves_money_once_whatever_becomes_of_its_answer(world, kind):
    world.buy()
    strike(world, CHARGES, kind)
    pack_at_once(world)
    world.insist()
    assert [line.amount for line in world.fake.ledger] == [PRICES["pro"], 50000]
    assert world.value("SELECT sum(remaining) FROM owo_credits('ada')") == CREDITS
    world.agree()


@everywhere
@pytest.mark.parametrize("kind", ["error_after", "hang_after", "half"])
def test_a_refund_moves_money_once_whatever_becomes_of_its_answer(world, kind):
    world.buy()
    strike(world, REFUNDS, kind)
    world.rows("SELECT owo_refund((SELECT id FROM owo.payment), 40000, 'asked')")
    world.insist()
    assert world.fake.ledger.sum(world.currency) == PRICES["pro"] - 40000
    world.agree()


@everywhere
def test_a_page_sells_once_whatever_becomes_of_the_answer_that_has_it(world):
    for kind in KINDS:
        key, fault = world.newcomer(), strike(world, OPENS, kind)
        attached = world.attach("pro", key)
        world.insist()
        assert fault.times == 0
        world.fake.complete(world.page(attached["checkout_id"]))
        world.settle()
        assert (world.live(key)["slug"], world.paid(key)) == ("pro", [PRICES["pro"]]), kind
    world.agree()


@everywhere
def test_an_upgrade_is_paid_once_whatever_becomes_of_its_answer(world):
    keys = {kind: world.newcomer() for kind in CHIEF}
    for kind, key in keys.items():
        world.buy("pro", key)
        fault = strike(world, CHANGES, kind)
        world.attach("team", key)
        world.insist()
        assert fault.times == 0
        first, second = world.paid(key)
        assert (world.live(key)["slug"], first) == ("team", PRICES["pro"]), kind
        assert abs(first + second - PRICES["team"]) <= 10, kind
    world.pass_time(to=max(world.live(key)["period_end"] for key in keys.values()) + dt.timedelta(hours=1))
    assert {kind: world.paid(key)[2:] for kind, key in keys.items()} == {kind: [PRICES["team"]] for kind in CHIEF}
    world.agree()


@everywhere
def test_a_downgrade_comes_once_whatever_becomes_of_its_answer(world):
    keys = {kind: world.newcomer() for kind in CHIEF}
    for kind, key in keys.items():
        world.buy("pro", key)
        fault = strike(world, LATER, kind)
        assert world.attach("basic", key)["code"] == "scheduled"
        world.insist()
        assert fault.times == 0
    world.pass_time(to=max(world.live(key)["period_end"] for key in keys.values()) + dt.timedelta(hours=1))
    for kind, key in keys.items():
        assert (world.live(key)["slug"], world.paid(key)) == ("basic", [PRICES["pro"], PRICES["basic"]]), kind
    world.agree()


@everywhere
def test_a_provider_that_is_away_for_a_while_keeps_nobody_waiting(world):
    """Every request fails for a while: the caller sees a pending page, and gets it when the provider is back."""
    fault = world.fake.fail("* *", "error", times=1000)
    attached = world.attach("pro")
    assert attached["code"] == "checkout_required"
    wait_for(lambda: world.value("SELECT bool_or(attempts > 0) FROM owo.outbox"), "an attempt is noted")
    assert world.value("SELECT url FROM owo.checkout") is None
    assert world.allowed() == 10
    fault.times = 0
    world.insist()
    world.fake.complete(world.page(attached["checkout_id"]))
    world.settle()
    assert world.allowed() == 1000
    world.agree()


@everywhere
def test_a_key_that_is_refused_rests_the_account_until_it_is_replaced(world):
    right, world.fake.secret_key = world.fake.secret_key, "sk_test_replaced00000000000000000000"
    world.attach("pro")
    wait_for(lambda: world.value("SELECT resting_until > now() FROM owo.provider_account"), "the account rests")
    asked = len(world.fake.requests)
    assert right not in str(world.rows("SELECT resting_reason FROM owo.provider_account"))
    if world.provider == "paystack":
        world.fake.webhooks.secrets = [world.fake.secret_key]
    world.account()
    world.insist()
    assert len(world.fake.requests) > asked
    assert world.value("SELECT url FROM owo.checkout") is not None


@everywhere
def test_a_charge_that_is_declined_gives_nothing(world):
    world.buy()
    world.fake.decline_next(world.theirs().id, ["insufficient_funds"])
    pack_at_once(world)
    world.settle()
    assert [line.amount for line in world.fake.ledger] == [PRICES["pro"]]
    assert (world.value("SELECT sum(remaining) FROM owo_credits('ada')") or 0) == 0


@pytest.mark.parametrize("provider", fake.PROVIDERS)
def test_a_certificate_is_believed_only_with_its_authority(server, provider, request, tmp_path):
    certificate = certificates.make(tmp_path / "good")
    for parent in certificate.authority.parents:
        # the server is somebody else, and must get there
        if not parent.stat().st_mode & stat.S_IXOTH:
            parent.chmod(0o755)
    world = World(server, provider, request.node.name, certificate=certificate)
    try:
        attached = world.attach("pro")
        wait_for(lambda: world.value("SELECT bool_or(attempts > 0 AND error IS NOT NULL) FROM owo.outbox"), "an attempt is noted")
        assert world.fake.requests == []
        server.rows(f"ALTER SYSTEM SET owostack.ca_file = '{certificate.authority}'")
        server.rows("SELECT pg_reload_conf()")
        world.insist()
        world.fake.complete(world.page(attached["checkout_id"]))
        world.settle()
        assert world.live()["status"] == "active"
        world.agree()
    finally:
        server.rows("ALTER SYSTEM RESET owostack.ca_file")
        server.rows("SELECT pg_reload_conf()")
        world.close()
