"""A fake of Stripe that somebody else wrote answers the same requests about money in the same way.

It knows customers, saved cards, charges of them, refunds and declines, of an older version of Stripe's interface: the
fields that both have must agree. What it signs and tells, our adapter must believe. It runs in a process of its own and
shares nothing with this repository.
"""

import datetime as dt
import http.client
import json
import socket
import subprocess
import sys
import threading
import types
import urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

import fake
from adapter import Adapter, build
from fake import Card
from preloaded import wait_for

OTHER = Path(sys.executable).with_name("localstripe")
FIELDS = {
    "customer": ("object", "email", "name", "metadata", "livemode"),
    "payment_intent": ("object", "amount", "currency", "status", "metadata", "livemode", "canceled_at"),
    "refund": ("object", "amount", "currency", "status", "metadata"),
}


class Endpoint:
    """One of the two, and what it calls its objects."""

    def __init__(self, port: int, key: str, card):
        self.port, self.key, self.card = port, key, card

    def ask(self, method: str, path: str, **body) -> tuple[int, dict]:
        connection = http.client.HTTPConnection("localhost", self.port, timeout=5)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/x-www-form-urlencoded"}
        connection.request(method, path, urllib.parse.urlencode(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


@pytest.fixture
def ours():
    with fake.start("stripe") as account:
        def card(endpoint, customer, declined=False):
            return account.save_card(account.customers[customer], Card(decline="generic_decline" if declined else None)).id

        yield Endpoint(account.server.port, account.secret_key, card)
        assert account.crashes == []


@pytest.fixture
def other():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([OTHER, "--from-scratch", "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def card(endpoint, customer, declined=False):
        number = "4000000000000341" if declined else "4242424242424242"
        made = {"type": "card", "card[number]": number, "card[exp_month]": 12, "card[exp_year]": 2031, "card[cvc]": "123"}
        _, method = endpoint.ask("POST", "/v1/payment_methods", **made)
        assert endpoint.ask("POST", f"/v1/payment_methods/{method['id']}/attach", customer=customer)[0] == 200
        return method["id"]

    def is_up():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_for(is_up, "the other one listens")
        yield Endpoint(port, "sk_test_12345", card)
    finally:
        process.terminate()
        process.wait()


def conversation(endpoint: Endpoint) -> list:
    """What is asked of both: statuses, and the fields that both have."""
    told = []

    def ask(kind, method, path, **body):
        status, answer = endpoint.ask(method, path, **body)
        shown = {name: answer.get(name) for name in FIELDS[kind]} if status == 200 else answer["error"].get("code")
        told.append((kind, status, shown))
        return answer

    customer = ask("customer", "POST", "/v1/customers", email="ada@example.test", name="Ada Obi", **{"metadata[a]": "b"})["id"]
    method = endpoint.card(endpoint, customer)
    charge = {"amount": 1250, "currency": "usd", "customer": customer, "confirm": "true", "off_session": "true", "metadata[owo_operation]": "01923f00-0000-7000-8000-000000000042"}
    intent = ask("payment_intent", "POST", "/v1/payment_intents", payment_method=method, **charge)["id"]
    ask("payment_intent", "GET", f"/v1/payment_intents/{intent}")
    ask("refund", "POST", "/v1/refunds", payment_intent=intent, amount=1000)
    # The rest is named: the other one takes a refund without an amount for the whole again.
    ask("refund", "POST", "/v1/refunds", payment_intent=intent, amount=250)
    declining = endpoint.card(endpoint, customer, declined=True)
    ask("payment_intent", "POST", "/v1/payment_intents", payment_method=declining, **charge)
    assert endpoint.ask("GET", "/v1/customers/cus_of_nobody")[0] == 404
    return told


def test_both_say_the_same_of_money(ours, other):
    assert conversation(ours) == conversation(other)


class Sink(HTTPServer):
    """An address that takes webhooks."""

    def __init__(self):
        self.taken = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                sink.taken.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


def test_what_it_signs_is_genuine_and_nothing_else(other):
    build()
    sink = Sink()
    secret = "whsec_of_the_other_one"
    url = f"http://127.0.0.1:{sink.server_address[1]}/"
    connection = http.client.HTTPConnection("localhost", other.port, timeout=5)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/_config/webhooks/ours", urllib.parse.urlencode({"url": url, "secret": secret}), form)
    assert connection.getresponse().status == 200
    conversation(other)
    wait_for(lambda: len(sink.taken) >= 3, "it has told of a customer and two charges")
    sink.shutdown()

    def adapter(secret: str) -> Adapter:
        credentials = {"secret_key": other.key, "webhook_secret": secret}
        return Adapter(types.SimpleNamespace(provider="stripe", credentials=lambda: credentials, now=lambda: dt.datetime.now(dt.timezone.utc)))

    ours, stranger = adapter(secret), adapter("whsec_of_somebody_else")
    kinds = set()
    for headers, body in sink.taken:
        told = ours.webhook(headers, body)
        assert told["genuine"], (headers, body)
        kinds |= {next(iter(effect["change"])) for effect in told["event"]["effects"]}
        assert not stranger.webhook(headers, body)["genuine"]
        assert not ours.webhook(headers, body.replace(b"Ada", b"Eve").replace(b"1250", b"9250"))["genuine"]
    assert kinds == {"customer", "payment"}
    ours.close()
    stranger.close()
