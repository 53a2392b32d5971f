"""A dump with a refund on its way, restored at each provider: the copy gives nothing back until it adopts the account, then once."""

import os
import subprocess
from pathlib import Path

import pytest

import fake
from preloaded import wait_for
from provider_world import PRICES, World, served


@pytest.fixture
def server():
    yield from served("provider_restore", owostack__outbox="off")


def set_outbox(server, value: str):
    server.rows(f"ALTER SYSTEM SET owostack.outbox = {value}")
    server.rows("SELECT pg_reload_conf()")


def copy(server, source: str, target: str):
    """Dump and restore, as a person does it."""
    programs = Path(os.environ["BIN"])
    where = ["-h", str(server.folder), "-U", "postgres"]
    dumped = subprocess.run([programs / "pg_dump", *where, "-Fc", source], capture_output=True)
    assert dumped.returncode == 0, dumped.stderr
    server.rows(f'DROP DATABASE IF EXISTS "{target}" WITH (FORCE)')
    server.rows(f'CREATE DATABASE "{target}"')
    restored = subprocess.run([programs / "pg_restore", *where, "-d", target], input=dumped.stdout, capture_output=True)
    assert restored.returncode == 0, restored.stderr
    server.rows(f'ALTER DATABASE "{target}" SET owostack.organization = shop')


@pytest.mark.parametrize("provider", fake.PROVIDERS)
def test_a_copy_sends_nothing_until_it_adopts_the_account(server, provider, request):
    set_outbox(server, "on")
    world = World(server, provider, request.node.name)
    world.buy()
    set_outbox(server, "off")
    asked = len(world.fake.requests)
    world.rows("SELECT owo_refund((SELECT id FROM owo.payment), 40000, 'asked')")
    target = f"copy_{provider}"
    copy(server, world.database, target)
    copied = dict(database=target)
    # The original goes on elsewhere: here it is the copy alone that might send.
    world.rows("DELETE FROM owo.provider_binding")
    set_outbox(server, "on")
    # Whatever is written there, and however often its worker looks.
    server.rows("SELECT owo_customer('bob', 'bob@example.test', 'Bob')", **copied)
    assert server.value("SELECT (owo_attach('bob', 'pro', callback_url => 'https://app.example.test')).code", **copied) == "checkout_required"
    server.track(target, 1, "ada")
    server.folded(target)
    assert len(world.fake.requests) == asked
    assert server.value("SELECT count(*) FROM owo.outbox WHERE state = 'queued' AND attempts = 0", **copied) >= 2
    assert any(provider in str(line) for line in server.rows("SELECT * FROM owo.health", **copied))
    server.rows("SELECT owo_provider_adopt(%s)", provider, **copied)
    wait_for(lambda: server.value("SELECT bool_and(state = 'done') FROM owo.outbox", **copied), "the copy has taken over")
    assert world.fake.ledger.sum(world.currency) == PRICES["pro"] - 40000
    world.close()
    server.rows(f'DROP DATABASE "{target}" WITH (FORCE)')
