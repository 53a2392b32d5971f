"""What a provider knows and we do not: plans made in its dashboard, and a subscription whose webhooks were lost."""

import pytest

import fake
from fake.model import Price, Product
from provider_world import PRICES, opened, served

# More than one page of every provider's list.
PLANS = 105


@pytest.fixture(scope="module")
def server():
    yield from served("provider_known")


@pytest.fixture
def world(server, request):
    yield from opened(server, request, is_real=True)


everywhere = pytest.mark.parametrize("world", fake.PROVIDERS, indirect=True)


def plan_there(world, name: str, amount: int) -> Price:
    """A plan as a person makes it in the provider's dashboard."""
    account = world.fake
    product = Product(account.name("product"), account.number(), account.now(), name, "Made elsewhere")
    price = Price(account.name("price"), product.id, account.now(), world.currency, amount, "month", 1)
    product.extra = {"tax": "saas", "price": price.id, "prices": [price.id], "life": (20, "Year")}
    account.products[product.id], account.prices[price.id] = product, price
    return price


@everywhere
def test_plans_of_the_provider_are_imported_once_and_sold_as_they_are(world):
    prices = [plan_there(world, f"Plan {number}", 100000 + number) for number in range(PLANS)]
    before = world.value("SELECT count(*) FROM owo.plan")
    for _ in range(2):
        world.rows("SELECT owo_provider_import(%s)", world.provider)
        world.quiet()
        assert world.value("SELECT count(*) FROM owo.plan") == before + PLANS
    slug = world.value("SELECT slug FROM owo.plan WHERE price_amount = %s", prices[7].amount)
    world.buy(slug)
    assert world.theirs().price == prices[7].id
    assert len(world.fake.prices) == PLANS, "nothing is made that is there"
    world.agree()


@everywhere
def test_a_difference_is_found_and_mended_though_every_webhook_was_lost(world):
    world.buy()
    subscription, theirs = world.live()["id"], world.theirs()
    assert world.rows("SELECT * FROM owo_provider_verify(%s)", world.provider) == []
    world.quiet()
    world.fake.cancel_in_portal(theirs.id, now=True)
    world.fake.webhooks.queue.clear()
    world.rows("SELECT * FROM owo_provider_verify(%s)", world.provider)
    world.quiet()
    assert world.value("SELECT status FROM owo.subscription WHERE id = %s", subscription) == "canceled"
    assert world.rows("SELECT * FROM owo_provider_verify(%s)", world.provider) == []
    assert world.payments() == [PRICES["pro"]]
