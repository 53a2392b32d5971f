"""A life with each provider while usage is counted: what is answered is the same on either engine.

The other tests of providers run on the shared engine, since workers need the library preloaded.
"""

import pytest

import fake
from provider_world import SITE, World, served

ENGINES = ("table", "shared")


@pytest.fixture(scope="module", params=ENGINES)
def server(request):
    yield from served(f"provider_{request.param}", owostack__meter_engine=request.param)


TOLD: dict[str, list] = {}


def life(world) -> list:
    """Bought, used up, topped up, given back in vain and for good, upgraded, renewed, ended: what is answered on the way."""
    told = []

    def note():
        world.settle()
        told.append(world.rows("SELECT code, usage, usage_limit, balance, credits FROM owo_check('ada', 'calls')"))
        told.append(world.rows("SELECT granted, used, remaining FROM owo_credits('ada') ORDER BY 1, 2"))
        told.append((world.fake.ledger.sum(world.currency), [each["status"] for each in world.subscriptions()]))

    def track(value: int) -> str:
        return world.value("SELECT code FROM owo_track('ada', 'calls', %s)", value)

    note()
    world.buy("pro")
    told.append([track(990), track(11)])
    note()
    world.rows("SELECT owo_addon('ada', 'pack', callback_url => %s)", SITE)
    note()
    told.append(track(30))
    pack = world.value("SELECT id FROM owo.payment WHERE amount = 50000")
    world.fake.refund_script.append("closed")
    world.rows("SELECT owo_refund(%s)", pack)
    note()
    world.rows("SELECT owo_refund(%s)", pack)
    told.append(track(1))
    note()
    attached = world.attach("team")
    world.settle()
    assert not attached["requires_checkout"], attached
    told.append(track(5000))
    note()
    world.to_renewal()
    note()
    world.rows("SELECT owo_cancel('ada', 'team', at_period_end => false)")
    note()
    told.append(track(1))
    return told


@pytest.mark.parametrize("provider", fake.PROVIDERS)
def test_a_life_at_a_provider_is_the_same_on_both_engines(server, provider, request):
    engine = request.node.callspec.params["server"]
    assert server.value("SHOW owostack.meter_engine") == engine
    world = World(server, provider, f"{provider}_{engine}")
    told = life(world)
    assert world.rows("SELECT * FROM owo_verify()") == []
    world.close()
    assert TOLD.setdefault(provider, told) == told
