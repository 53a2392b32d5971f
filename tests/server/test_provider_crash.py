"""Workers and servers that end while a provider works: at every request of a job, before and after it is carried out.

Afterwards the job is done, and the money has moved once.
"""

import os
import signal

import pytest

import fake
from preloaded import wait_for
from provider_world import CREDITS, PRICES, SITE, World, served

# More requests than any of the jobs here takes.
PLACES_MAX = 12


@pytest.fixture
def server():
    yield from served("provider_crash", fsync="on")


def kill_worker(world):
    """The worker dies without a word, and the server starts over."""
    restarts = world.server.log().count("reinitializing")
    (worker,) = world.server.workers(world.database)
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: world.server.log().count("reinitializing") > restarts, 20, "the server starts over")
    wait_for(world.server.is_up, 30, "the server is back")


def crash(world):
    """The server ends at once, as when the power fails, and comes back."""
    world.server.cluster("crash")
    world.server.cluster("start")


def jobs(world) -> dict:
    """What moves money with a saved card, and what is left of it afterwards."""
    return {
        "charge": ("SELECT owo_addon('ada', 'pack', callback_url => %s)", [SITE], 50000),
        "refund": ("SELECT owo_refund((SELECT id FROM owo.payment ORDER BY created_at LIMIT 1), 7000, 'asked')", [], -7000),
    }


@pytest.mark.parametrize("provider", fake.PROVIDERS)
@pytest.mark.parametrize("how,kind", [(kill_worker, "hang_after"), (crash, "hang")])
def test_money_moves_once_when_all_ends_at_any_request(server, provider, how, kind, request):
    world = World(server, provider, request.node.name)
    world.buy()
    for query, arguments, amount in jobs(world).values():
        place = 0
        while place < PLACES_MAX:
            before, moved = len(world.fake.requests), world.fake.ledger.sum(world.currency)
            fault = world.fake.fail("* *", kind, skip=place, detail=60)
            world.rows(query, *arguments)
            wait_for(lambda: fault.times == 0 and len(world.fake.requests) > before + place or world.is_quiet(), what="the request is there")
            struck = fault.times == 0
            if struck:
                how(world)
                # Nobody is at it any more; what has to be waited for is only the end of the lease.
                world.rows("UPDATE owo.outbox SET lease_until = now() WHERE state = 'running'")
            fault.times = 0
            world.insist()
            assert world.fake.ledger.sum(world.currency) == moved + amount, (place, kind, world.state())
            if not struck:
                break
            place += 1
        assert 0 < place < PLACES_MAX
    packs = sum(line.amount == 50000 for line in world.fake.ledger)
    assert world.value("SELECT sum(remaining) FROM owo_credits('ada')") == CREDITS * packs
    assert PRICES["pro"] in world.payments()
    world.agree()
    world.close()
