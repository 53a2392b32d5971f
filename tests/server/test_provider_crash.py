"""Workers and servers that end while a provider works: at every request of a job, before and after it is carried out.

Afterwards the job is done, the money has moved once, and both sides say the same.
"""

import json
import os
import signal

import pytest

import fake
from preloaded import wait_for
from provider_world import CREDITS, PRICES, SITE, World, catalog, served

# More requests than any of the jobs here takes.
PLACES_MAX = 12
# Plans take so many requests that only those which change something are struck.
ANY, WRITES = "* *", "[PD]* *"


@pytest.fixture
def server():
    yield from served("provider_crash", fsync="on")


def kill_worker(world):
    """The worker dies without a word, and the server starts over."""
    restarts = world.server.log().count("reinitializing")
    (worker,) = world.server.workers(world.database)
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: world.server.log().count("reinitializing") > restarts, "the server starts over")
    wait_for(world.server.is_up, "the server is back")


def crash(world):
    """The server ends at once, as when the power fails, and comes back."""
    world.server.cluster("crash")
    world.server.cluster("start")


# A job prepares its ground, waits; asks, and waits; says what has to be there when all is at rest, and some of them in
# the next period. A new customer each time, and a plan that the provider has never heard of, so that no request is left out.

def charge(world, place):
    before = world.fake.ledger.sum(world.currency)
    yield
    world.rows("SELECT owo_addon('ada', 'pack', callback_url => %s)", SITE)
    yield
    assert world.fake.ledger.sum(world.currency) == before + 50000
    packs = sum(line.amount == 50000 for line in world.fake.ledger)
    assert world.value("SELECT sum(remaining) FROM owo_credits('ada')") == CREDITS * packs


def refund(world, place):
    before = world.fake.ledger.sum(world.currency)
    yield
    world.rows("SELECT owo_refund((SELECT id FROM owo.payment ORDER BY created_at LIMIT 1), 7000, 'asked')")
    yield
    assert world.fake.ledger.sum(world.currency) == before - 7000


def page(world, place):
    key = world.newcomer()
    yield
    attached = world.attach(f"up{place}", key)
    yield
    world.fake.complete(world.page(attached["checkout_id"]))
    world.settle()
    assert world.live(key)["slug"] == f"up{place}"
    assert world.paid(key) == [1500000 + place]


def upgrade(world, place):
    key = world.newcomer()
    world.buy("pro", key)
    yield
    world.attach(f"up{place}", key)
    yield
    assert world.live(key)["slug"] == f"up{place}"
    first, second = world.paid(key)
    assert first == PRICES["pro"] and abs(first + second - 1500000 - place) <= 10
    yield
    # Where a change is a second subscription, it begins at the provider by now.
    assert world.paid(key)[2:] == [1500000 + place]


def downgrade(world, place):
    key = world.newcomer()
    world.buy("pro", key)
    yield
    assert world.attach(f"down{place}", key)["code"] == "scheduled"
    yield
    assert world.paid(key) == [PRICES["pro"]]
    yield
    assert world.live(key)["slug"] == f"down{place}"
    assert world.paid(key) == [PRICES["pro"], 1000 + place]


def stock(world):
    """Plans that nobody has bought, one for each place."""
    offer = catalog(world.currency)
    for place in range(PLACES_MAX):
        for slug, price in ((f"up{place}", 1500000 + place), (f"down{place}", 1000 + place)):
            offer["plans"].append({"slug": slug, "name": slug, "price": price, "currency": world.currency, "interval": "monthly",
                                   "planGroup": "main", "features": [{"slug": "calls", "limit": price}]})
    world.rows("SELECT owo_sync(%s::jsonb)", json.dumps({**offer, "defaultProvider": world.provider}))


@pytest.mark.parametrize("provider", fake.PROVIDERS)
@pytest.mark.parametrize("how,kind,route,jobs", [
    (kill_worker, "hang_after", ANY, (charge, refund)), (crash, "hang", ANY, (charge, refund)),
    (kill_worker, "hang_after", WRITES, (page, upgrade, downgrade)), (crash, "hang", WRITES, (page, upgrade)),
], ids=["worker-money", "server-money", "worker-plans", "server-plans"])
def test_money_moves_once_when_all_ends_at_any_request(server, provider, how, kind, route, jobs, request):
    world = World(server, provider, request.node.name)
    stock(world)
    if charge in jobs:
        world.buy()
    later = []
    for job in jobs:
        for place in range(PLACES_MAX):
            steps = job(world, place)
            next(steps)
            before = len(world.fake.requests)
            fault = world.fake.fail(route, kind, skip=place, detail=60)
            next(steps)
            wait_for(lambda: fault.times == 0 and len(world.fake.requests) > before + place or world.is_quiet(), "the request is there")
            struck = fault.times == 0
            if struck:
                how(world)
                # Nobody is at it any more; what has to be waited for is only the end of the lease.
                world.rows("UPDATE owo.outbox SET lease_until = now() WHERE state = 'running'")
            fault.times = 0
            world.insist()
            next(steps, None)
            later.append(steps)
            if not struck:
                break
        assert 0 < place < PLACES_MAX - 1
    if page in jobs:
        world.pass_time(days=32)
    for steps in later:
        next(steps, None)
    world.agree()
    world.close()
