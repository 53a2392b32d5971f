"""Whom a webhook is about: the provider's customer, what we made ourselves, our reference, and an address as a last resort."""

import pytest

import fake
from provider_world import PRICES, SITE, World, opened, served


@pytest.fixture(scope="module")
def server():
    yield from served("provider_match")


@pytest.fixture
def world(server, request):
    yield from opened(server, request)


everywhere = pytest.mark.parametrize("world", fake.PROVIDERS, indirect=True)
# Where a page can be opened before the provider knows the customer.
by_page = pytest.mark.parametrize("world", ["paystack", "dodo", "polar"], indirect=True)


def sell_there(world, email: str, name: str, metadata: dict | None = None):
    """Somebody buys our plan at the provider, without us."""
    price = next(price for price in world.fake.prices.values() if price.amount == PRICES["pro"])
    found = [one for one in world.fake.customers.values() if one.email == email]
    customer = found[0] if found else world.fake.make_customer(email=email, name=name)
    method = world.fake.save_card(customer, fake.Card())
    subscription, payment = world.fake.begin(customer, price, method, metadata=metadata)
    world.fake.told_subscription(subscription, "created", payment)
    return subscription


@everywhere
def test_what_a_linked_customer_buys_at_the_provider_is_theirs(world):
    world.buy("basic")
    world.fake.cancel_in_portal(world.theirs().id, now=True)
    world.settle()
    world.attach("pro", "ada")
    world.quiet()
    made = sell_there(world, "ada@example.test", "Ada Obi")
    world.settle()
    assert world.value("SELECT local_id FROM owo.provider_ref WHERE kind = 'subscription' AND external_id = %s", made.id)
    assert (world.live()["slug"], world.allowed()) == ("pro", 1000)


@everywhere
def test_what_a_stranger_buys_at_the_provider_is_nobodys(world):
    world.buy("pro")
    sell_there(world, "stranger@example.test", "Stranger")
    world.settle()
    assert world.value("SELECT count(*) FROM owo.customer") == 1
    assert world.payments() == [PRICES["pro"]]
    assert len(world.subscriptions()) == 1


@everywhere
def test_a_claim_that_contradicts_the_link_stops_for_a_person(world):
    world.buy("pro")
    world.rows("SELECT owo_customer('eve', 'eve@example.test', 'Eve')")
    attached = world.attach("pro", "eve")
    page = world.page(attached["checkout_id"])
    # Ada's card and Ada's account at the provider, on a page that is Eve's.
    world.fake.checkouts[page].customer = world.fake.checkouts[page].email = None
    world.fake.checkouts[page].external_id = None
    ada = next(one for one in world.fake.customers.values() if one.email == "ada@example.test")
    world.fake.checkouts[page].customer = ada.id
    world.fake.complete(page)
    world.settle()
    assert world.value("SELECT count(*) FROM owo.webhook_event WHERE status = 'conflict'") > 0
    assert world.allowed("eve") == 10
    assert [each["slug"] for each in world.subscriptions("ada") if each["status"] == "active"] == ["pro"]


@by_page
def test_the_page_leads_to_its_customer_whatever_address_the_buyer_gives(world):
    attached = world.attach("pro")
    page = world.fake.checkouts[world.page(attached["checkout_id"])]
    page.email, page.customer = "private@example.test", None
    world.fake.complete(page.id)
    world.settle()
    assert (world.live()["slug"], world.allowed()) == ("pro", 1000)
    world.agree()


def test_a_webhook_by_the_way_of_a_rest_gateway(server, request):
    """One unnamed argument, and the headers in a setting: what PostgREST makes of a request."""
    world = World(server, "dodo", request.node.name)
    attached = world.attach("pro")
    world.fake.complete(world.page(attached["checkout_id"]))

    def take(headers, body):
        import json
        with world.connect(autocommit=False) as session:
            session.execute("SELECT set_config('request.headers', %s, true)", [json.dumps(headers)])
            session.execute("SELECT * FROM owo_webhook_dodo(%s::json)", [body.decode()])
        return 200

    world.fake.webhooks.sink = take
    world.settle()
    assert world.live()["status"] == "active"
    world.close()
