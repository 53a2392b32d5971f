"""A subscription's life with each provider, end to end: it renews, fails, recovers, changes and ends on either side."""

import datetime as dt

import pytest

import fake
from fake import Card
from provider_world import PRICES, opened, served

# What capabilities say: Paystack changes a plan by a second subscription and pauses nothing; Polar has no page for a card.
CHANGES_IN_PLACE = [provider for provider in fake.PROVIDERS if provider != "paystack"]


@pytest.fixture(scope="module")
def server():
    yield from served("provider_life")


@pytest.fixture
def world(server, request):
    yield from opened(server, request)


@pytest.fixture
def real_world(server, request):
    """Where time is real: what comes without a date of the provider's is dated as all else is."""
    yield from opened(server, request, is_real=True)


everywhere = pytest.mark.parametrize("world", fake.PROVIDERS, indirect=True)
really_everywhere = pytest.mark.parametrize("real_world", fake.PROVIDERS, indirect=True)
in_place = pytest.mark.parametrize("world", CHANGES_IN_PLACE, indirect=True)


@everywhere
def test_it_renews_month_after_month(world):
    world.buy()
    for month in range(1, 4):
        end = world.theirs().end
        world.to_renewal()
        assert world.live()["period_start"] == end
        assert len(world.payments()) == month + 1
        world.agree()
    assert world.fake.ledger.sum(world.currency) == 4 * PRICES["pro"]


@everywhere
def test_a_renewal_that_fails_has_days_of_grace_and_recovers(world):
    world.buy()
    world.fake.decline_next(world.theirs().id, ["insufficient_funds"])
    world.to_renewal()
    assert world.live()["status"] == "past_due"
    assert world.allowed() == 1000, "the days of grace have begun"
    if world.provider == "paystack":
        # There the next attempt is the next renewal.
        world.fake.pay_now(world.theirs().id, Card("1881"))
        world.settle()
    else:
        world.pass_time(to=world.theirs().retry_at + dt.timedelta(hours=1))
    assert world.live()["status"] == "active"
    assert world.fake.ledger.sum(world.currency) == 2 * PRICES["pro"]
    world.agree()


@everywhere
def test_a_card_that_stays_declined_ends_what_it_paid_for(world):
    world.buy()
    world.fake.card_of(world.theirs()).decline = "do_not_honor"
    world.to_renewal()
    subscription = world.live()["id"]
    world.pass_time(days=8)
    assert world.allowed() == 0, "the days of grace are over"
    if world.provider in ("stripe", "polar"):
        world.pass_time(days=30)
        status = world.value("SELECT status FROM owo.subscription WHERE id = %s", subscription)
        assert status == "canceled"
    assert world.fake.ledger.sum(world.currency) == PRICES["pro"]


@everywhere
def test_cancelled_by_us_it_lasts_until_its_end(world):
    world.buy()
    world.rows("SELECT owo_cancel('ada', 'pro')")
    world.settle()
    assert world.theirs().cancels
    assert world.live()["cancel_at"] == world.theirs().end
    assert world.allowed() == 1000
    subscription = world.live()["id"]
    world.to_renewal()
    assert world.value("SELECT status FROM owo.subscription WHERE id = %s", subscription) == "canceled"
    assert world.allowed() == 0
    assert world.fake.ledger.sum(world.currency) == PRICES["pro"]
    world.agree()


@everywhere
def test_cancelled_by_us_and_kept_again(world):
    world.buy()
    world.rows("SELECT owo_cancel('ada', 'pro')")
    world.settle()
    assert world.theirs().cancels
    assert world.live()["cancel_at"] == world.theirs().end
    world.rows("SELECT owo_uncancel('ada', 'pro')")
    world.settle()
    assert not world.theirs().cancels
    assert (world.live()["status"], world.live()["cancel_at"]) == ("active", None)
    world.agree()


@everywhere
def test_cancelled_by_us_at_once(world):
    world.buy()
    theirs = world.theirs()
    world.rows("SELECT owo_cancel('ada', 'pro', at_period_end => false)")
    assert world.allowed() == 0
    world.settle()
    # Paystack only stops to renew.
    assert theirs.cancels if world.provider == "paystack" else not theirs.lives
    world.pass_time(days=40)
    assert world.allowed() == 0
    assert world.fake.ledger.sum(world.currency) == PRICES["pro"]


@really_everywhere
def test_cancelled_in_the_providers_portal(real_world):
    world = real_world
    world.buy()
    subscription, theirs = world.live()["id"], world.theirs()
    world.fake.cancel_in_portal(theirs.id)
    world.settle()
    assert world.live()["cancel_at"] == theirs.end
    assert world.allowed() == 1000
    if world.provider != "paystack":
        # Paystack tells nobody that one goes on.
        world.fake.keep_in_portal(theirs.id)
        world.settle()
        assert world.live()["cancel_at"] is None
        world.agree()
    world.fake.cancel_in_portal(theirs.id, now=True)
    world.settle()
    assert world.value("SELECT status FROM owo.subscription WHERE id = %s", subscription) == "canceled"
    world.agree()


@everywhere
def test_upgraded_by_us_at_once(world):
    world.buy("pro")
    attached = world.attach("team")
    world.settle()
    if attached["requires_checkout"]:
        world.fake.complete(world.page(attached["checkout_id"]))
        world.settle()
    assert world.live()["slug"] == "team"
    assert world.allowed() == 10000
    assert PRICES["team"] - 10 <= world.fake.ledger.sum(world.currency) <= PRICES["team"] + 10
    world.to_renewal()
    assert world.live()["slug"] == "team"
    assert world.fake.ledger[-1].amount == PRICES["team"]
    world.agree()


@everywhere
def test_downgraded_by_us_with_the_next_period(world):
    world.buy("pro")
    end = world.theirs().end
    assert world.attach("basic")["code"] == "scheduled"
    world.settle()
    assert (world.live()["slug"], world.allowed()) == ("pro", 1000)
    world.pass_time(to=end + dt.timedelta(hours=1))
    assert (world.live()["slug"], world.allowed()) == ("basic", 100)
    assert [line.amount for line in world.fake.ledger] == [PRICES["pro"], PRICES["basic"]]
    world.agree()


@in_place
def test_a_downgrade_is_taken_back(world):
    world.buy("pro")
    assert world.attach("basic")["code"] == "scheduled"
    world.settle()
    assert world.theirs().pending
    assert world.attach("pro")["code"] == "unchanged"
    world.settle()
    assert not world.theirs().pending
    world.to_renewal()
    assert world.live()["slug"] == "pro"
    world.agree()


@in_place
def test_another_plan_taken_in_the_providers_portal(world):
    world.buy("pro")
    world.attach("team", "ada", timing="period_end")
    world.settle()
    world.rows("SELECT owo_attach('ada', 'pro')")
    world.settle()
    theirs = world.theirs()
    team = next(price.id for price in world.fake.prices.values() if price.amount == PRICES["team"])
    world.fake.change_in_portal(theirs.id, team)
    world.settle()
    assert (world.live()["slug"], world.allowed()) == ("team", 10000)
    world.agree()


@in_place
def test_a_pause_and_its_end(world):
    world.buy()
    world.rows("SELECT owo_pause('ada', 'pro')")
    world.settle()
    world.to_renewal()
    assert world.theirs().status == "paused"
    assert world.allowed() == 0
    world.rows("SELECT owo_resume('ada', 'pro')")
    world.settle()
    assert (world.live()["status"], world.theirs().status) == ("active", "active")
    assert world.allowed() == 1000


@everywhere
def test_an_old_webhook_revives_nothing(world):
    world.buy()
    told = list(world.fake.webhooks.sent)
    subscription = world.live()["id"]
    theirs = world.theirs()
    world.fake.cancel_in_portal(theirs.id, now=True)
    world.settle()
    assert world.value("SELECT status FROM owo.subscription WHERE id = %s", subscription) == "canceled"
    for headers, body in told:
        assert world.take(headers, body) == 200
    world.quiet()
    assert world.value("SELECT status FROM owo.subscription WHERE id = %s", subscription) == "canceled"
    assert world.payments() == [PRICES["pro"]]
    assert world.allowed() == 0
