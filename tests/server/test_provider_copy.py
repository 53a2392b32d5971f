"""A dump restored beside the original calls nobody and applies nothing until it adopts the account; then it asks before it tells."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from preloaded import Server, wait_for
from webhook import sign

import fake

CATALOG = {"plans": [{"slug": "pro", "name": "Pro", "price": 100000, "currency": "NGN", "interval": "monthly"}]}
ATTACH = """SELECT code FROM owo_attach(%s, 'pro', jsonb_build_object('email', %s::text),
                                         callback_url => 'https://shop.example.test/done', provider => 'paystack')"""
OPEN = "SELECT count(*) FROM owo.outbox WHERE state NOT IN ('done', 'dead')"


@pytest.fixture
def server():
    server = Server("copies", owostack__worker_idle_s="60s")
    yield server
    server.destroy()


def copy(server, source: str, target: str):
    """pg_dump | psql, stopping at the first error."""
    programs = Path(os.environ["BIN"])
    environment = {**os.environ, "PGHOST": str(server.folder), "PGUSER": "postgres"}
    server.rows(f'CREATE DATABASE "{target}" TEMPLATE template0')
    dump = subprocess.run([programs / "pg_dump", source], env=environment, capture_output=True, check=True).stdout
    command = [programs / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", target]
    subprocess.run(command, input=dump, env=environment, capture_output=True, check=True)


def rounds(server, database: str) -> int:
    return server.status(database)["rounds"]


def test_a_copy_sends_nothing_until_it_adopts(server):
    with fake.start("paystack") as account:
        server.rows("CREATE DATABASE shop")
        server.rows("CREATE EXTENSION owostack", database="shop")
        server.rows("SELECT owo_sync(%s)", json.dumps(CATALOG), database="shop")
        server.rows("SELECT owo_provider_set('paystack', %s)", json.dumps(account.credentials()), database="shop")
        # Work that waits in the original when the dump is taken: the provider is down.
        account.fail("*", "error", times=1000)
        server.rows(ATTACH, "ada", "ada@example.test", database="shop")
        wait_for(lambda: account.asked(), "the original calls")
        copy(server, "shop", "copy")
        waiting = server.value(OPEN, database="copy")
        assert waiting > 0 and server.rows("SELECT * FROM owo.provider_binding", database="copy") == []
        account.faults.clear()
        wait_for(lambda: server.value(OPEN, database="shop") == 0, "the original gets on")

        # The copy is in use: calls write, its worker goes round, a webhook comes, and more is to be sent.
        before, begun = len(account.asked()), rounds(server, "copy")
        server.rows(ATTACH, "ben", "ben@example.test", database="copy")
        body = b'{"event":"charge.success","data":{"id":1,"status":"success","domain":"test","reference":"r","amount":100,"currency":"NGN"}}'
        headers = sign("paystack", body, secrets={"secret_key": account.secret_key})
        hook = "SELECT status FROM owo_webhook('paystack', %s, %s)"
        assert server.rows(hook, json.dumps(headers), body, database="copy") == [("received",)]
        wait_for(lambda: rounds(server, "copy") > begun, "the worker of the copy goes round")
        server.rows("SELECT owo_worker_tick()", database="copy")
        assert len(account.asked()) == before
        assert server.value(OPEN, database="copy") > waiting
        assert server.rows("SELECT status FROM owo.webhook_event", database="copy") == [("received",)]
        topics = {topic for (topic,) in server.rows("SELECT topic FROM owo.health", database="copy")}
        assert "provider_unbound" in topics

        # Adopted, it asks first what the provider knows; then what waited goes on.
        server.rows("SELECT owo_provider_adopt('paystack')", database="copy")
        wait_for(lambda: len(account.asked()) > before, "the copy calls")
        first = account.asked()[before]
        assert first.method == "GET", first.name
        wait_for(lambda: server.value(OPEN, database="copy") == 0, "what waited is sent")
        wait_for(lambda: server.rows("SELECT status FROM owo.webhook_event WHERE status = 'received'", database="copy") == [], "the webhook is looked at")
        assert server.alarms() == []
