"""Money that goes back through each provider, end to end, and the credits that follow it."""

import pytest

import fake
from provider_world import CREDITS, PRICES, SITE, opened, served


@pytest.fixture(scope="module")
def server():
    yield from served("provider_refund")


@pytest.fixture
def world(server, request):
    yield from opened(server, request)


everywhere = pytest.mark.parametrize("world", fake.PROVIDERS, indirect=True)


@everywhere
def test_money_goes_back_in_part_and_whole(world):
    world.buy()
    payment = world.value("SELECT id FROM owo.payment")
    world.rows("SELECT owo_refund(%s, 100000, 'asked')", payment)
    world.settle()
    assert world.fake.ledger.sum(world.currency) == PRICES["pro"] - 100000
    world.fake.refund_in_dashboard(next(iter(world.fake.payments)))
    world.settle()
    assert world.fake.ledger.sum(world.currency) == 0
    assert world.value("SELECT refunded_amount FROM owo.payment") == PRICES["pro"]
    world.agree()


@everywhere
def test_a_refund_that_the_bank_refuses(world):
    world.buy()
    world.fake.refund_script.append("closed")
    world.rows("SELECT owo_refund((SELECT id FROM owo.payment), 100000, 'asked')")
    world.settle()
    assert world.fake.ledger.sum(world.currency) == PRICES["pro"]
    assert world.rows("SELECT status FROM owo.refund") == [("failed",)]
    assert world.value("SELECT refunded_amount FROM owo.payment") == 0
    world.agree()


def pack(world):
    """A pack is bought, and a little of it spent beyond what the free plan includes; its payment and what is left."""
    bought = world.row("SELECT * FROM owo_addon('ada', 'pack', callback_url => %s)", SITE)
    world.fake.complete(world.page(bought["checkout_id"]))
    world.settle()
    assert world.value("SELECT code FROM owo_track('ada', 'calls', 30)") == "addon_credits_used"
    return world.value("SELECT id FROM owo.payment"), CREDITS - 20


def credits(world) -> int:
    return world.value("SELECT coalesce(sum(remaining), 0) FROM owo_credits('ada')")


@everywhere
def test_credits_come_again_when_the_bank_refuses_to_give_their_price_back(world):
    payment, left = pack(world)
    world.fake.refund_script.append("closed")
    with world.connect(autocommit=False) as session:
        session.execute("SELECT owo_refund(%s)", [payment])
        assert session.execute("SELECT count(*) FROM owo_credits('ada')").fetchone() == (0,), "nobody spends what goes back"
    world.settle()
    assert world.rows("SELECT status FROM owo.refund") == [("failed",)]
    assert (credits(world), world.fake.ledger.sum(world.currency)) == (left, 50000)
    world.agree()
    world.rows("SELECT owo_refund(%s)", payment)
    world.settle()
    assert (credits(world), world.fake.ledger.sum(world.currency)) == (0, 0)
    world.agree()


@everywhere
def test_credits_come_again_when_the_provider_refuses_a_refund(world):
    payment, left = pack(world)
    world.fake.fail("POST *refund*", "error", detail=400)
    world.rows("SELECT owo_refund(%s)", payment)
    world.settle()
    assert world.rows("SELECT status FROM owo.refund") == [("failed",)]
    assert (credits(world), world.fake.ledger.sum(world.currency)) == (left, 50000)


@everywhere
def test_credits_go_with_a_price_that_is_given_back_at_the_provider(world):
    payment, left = pack(world)
    theirs = next(iter(world.fake.payments))
    world.fake.refund_in_dashboard(theirs, 10000)
    world.settle()
    assert credits(world) == left
    world.fake.refund_script.append("closed")
    world.fake.refund_in_dashboard(theirs)
    world.settle()
    assert credits(world) == left
    world.fake.refund_in_dashboard(theirs)
    world.settle()
    assert credits(world) == 0
    world.agree()


@everywhere
def test_a_pack_whose_price_went_back_before_it_was_heard_of_gives_nothing(world):
    world.buy("basic")
    found = world.row("SELECT * FROM owo_addon('ada', 'pack', callback_url => %s)", SITE)
    assert not found["requires_checkout"], found
    world.quiet()
    world.fake.refund_in_dashboard(list(world.fake.payments)[-1])
    world.settle(backwards=True)
    assert (credits(world), world.fake.ledger.sum(world.currency)) == (0, PRICES["basic"])
    world.agree()
