"""Faults of the network: nothing is lost, money never moves twice, and the queue drains when the provider is back."""

import os
import signal
import socket
import threading
import time

import pytest
from outbox import Json, Outbox, wait_for
from preloaded import Server

import fake
from fake import certificates

KINDS = ("rate_limited", "error", "error_after", "hang", "hang_after", "reset", "reset_after", "page", "page_after", "redirect", "half",
         "oversized", "invalid_json", "empty")


@pytest.fixture(scope="module")
def server():
    made = Server("transport", owostack__http_timeout="1500ms")
    yield made
    assert made.alarms() == []
    made.destroy()


@pytest.fixture
def make_outbox(server):
    made = []

    def make(provider: str = "stripe", **options) -> Outbox:
        made.append(Outbox(server, provider, **options))
        return made[-1]

    yield make
    for outbox in made:
        outbox.close()
        server.rows(f'DROP DATABASE "{outbox.database}" WITH (FORCE)')


def setting(server: Server, name: str, value: str | None):
    server.rows(f"ALTER SYSTEM SET {name} = '{value}'" if value is not None else f"ALTER SYSTEM RESET {name}")
    server.rows("SELECT pg_reload_conf()")


@pytest.fixture
def ca_file(server):
    """Sets the file of certificates to trust; unset afterwards."""
    yield lambda path: setting(server, "owostack.ca_file", str(path))
    setting(server, "owostack.ca_file", None)


@pytest.mark.parametrize("provider", fake.PROVIDERS)
def test_whatever_becomes_of_a_charge_money_moves_once(make_outbox, provider):
    outbox = make_outbox(provider)
    names = []
    outbox.done(outbox.charge())
    for kind in KINDS:
        # reads and writes alike: also the look that follows a lost answer may fail
        outbox.fake.fail("*", kind, times=2, detail={"rate_limited": 1, "hang": 3, "hang_after": 3}.get(kind))
        names.append(outbox.charge())
        outbox.done(names[-1])
        outbox.fake.faults.clear()
        assert outbox.moved(names[-1]) == 1, kind
    assert [outbox.moved(name) for name in names] == [1] * len(KINDS)


def test_retry_after_is_respected(make_outbox):
    stripe = make_outbox()
    stripe.fake.fail("GET /v1/prices", "rate_limited", times=1, detail=2)
    began = time.monotonic()
    name = stripe.look()
    row = stripe.reaches(name, "failed")
    assert (row["attempts"], row["error_status"]) == (0, 429)
    wait = stripe.value("SELECT resting_until - updated_at FROM owo.provider_account")
    assert wait.total_seconds() == 2
    stripe.reaches(name, "done")
    assert time.monotonic() - began >= 2
    assert len(stripe.fake.asked("GET /v1/prices")) == 2


def test_nobody_listens(make_outbox):
    stripe = make_outbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    stripe.rows("SELECT owo_provider_set('stripe', %s)", Json(stripe.fake.credentials(base_url=f"http://127.0.0.1:{port}")))
    name = stripe.charge()
    row = stripe.reaches(name, "failed")
    assert row["attempts"] == 1 and "refused" in row["error"]
    stripe.rows("SELECT owo_provider_set('stripe', %s)", Json(stripe.fake.credentials()))
    stripe.done(name)
    assert stripe.moved(name) == 1


def test_a_redirect_is_not_followed(make_outbox):
    stripe = make_outbox()
    for route in ("POST /v1/payment_intents", "GET /v1/prices"):
        stripe.fake.fail(route, "redirect", times=1)
    for name in (stripe.charge(), stripe.look()):
        stripe.reaches(name, "failed")
    assert not [request for request in stripe.fake.requests if "elsewhere" in request.path]


def test_a_body_without_an_end_is_not_read(make_outbox):
    stripe = make_outbox()
    stripe.fake.fail("GET /v1/prices", "oversized", times=1)
    name = stripe.look()
    row = stripe.reaches(name, "failed")
    assert "the body did not come" in row["error"]
    worker = wait_for(lambda: stripe.server.workers(stripe.database))[0]
    with open(f"/proc/{worker}/status", encoding="ascii") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    assert peak < 200_000, "50 MB were not kept"
    stripe.done(name)


def readable(server: Server, name: str, certificate: certificates.Certificate):
    """The authority's certificate where the server can read it."""
    path = server.folder / f"{name}.pem"
    path.write_bytes(certificate.authority.read_bytes())
    path.chmod(0o644)
    return path


def test_a_certificate_must_be_signed_by_who_is_trusted(server, make_outbox, ca_file, tmp_path):
    trusted = certificates.make(tmp_path / "trusted")
    stripe = make_outbox(certificate=trusted)
    # no authority of the system has signed it
    name = stripe.charge()
    row = stripe.reaches(name, "failed")
    assert "certificate" in row["error"].lower(), row["error"]
    # nor has this one
    ca_file(readable(server, "other", certificates.make(tmp_path / "other")))
    stripe.rows("UPDATE owo.outbox SET error = NULL WHERE id = %s", name)
    stripe.retry(name)
    row = wait_for(lambda: (row := stripe.row(name))["error"] and row["state"] == "failed" and row, "it was tried again")
    assert "certificate" in row["error"].lower(), row["error"]
    assert stripe.fake.asked() == []
    ca_file(readable(server, "trusted", trusted))
    stripe.done(name)
    assert stripe.moved(name) == 1


@pytest.mark.parametrize("wrong", [{"names": "DNS:elsewhere.example.test"}, {"expired": True}], ids=["name", "expired"])
def test_a_certificate_must_be_valid_for_its_server(server, make_outbox, ca_file, tmp_path, wrong):
    certificate = certificates.make(tmp_path / "wrong", **wrong)
    stripe = make_outbox(certificate=certificate)
    ca_file(readable(server, "wrong", certificate))
    name = stripe.charge()
    row = stripe.reaches(name, "failed")
    assert "certificate" in row["error"].lower() and stripe.fake.asked() == []


def test_a_file_of_certificates_that_is_none(server, make_outbox, ca_file, tmp_path):
    stripe = make_outbox()
    ca_file(tmp_path / "missing.pem")
    wait_for(lambda: stripe.value("SHOW owostack.ca_file").endswith("missing.pem"), "the setting has arrived")
    name = stripe.charge()
    row = stripe.reaches(name, "failed")
    assert "owostack.ca_file" in row["error"] and stripe.fake.asked() == []
    setting(server, "owostack.ca_file", None)
    wait_for(lambda: stripe.value("SHOW owostack.ca_file") == "", "the setting is gone")
    stripe.done(name)
    assert stripe.moved(name) == 1


class Proxy(threading.Thread):
    """A proxy that leads every CONNECT to one port of this machine."""

    def __init__(self, port: int):
        super().__init__(daemon=True)
        self.port, self.asked = port, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.start()

    @property
    def url(self) -> str:
        return f"http://user:hidden-password@127.0.0.1:{self.listener.getsockname()[1]}"

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client: socket.socket):
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        self.asked.append(head.split(b"\r\n")[0].decode())
        there = socket.create_connection(("127.0.0.1", self.port))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        ways = [threading.Thread(target=self.pump, args=way, daemon=True) for way in ((client, there), (there, client))]
        for way in ways:
            way.start()

    @staticmethod
    def pump(one: socket.socket, other: socket.socket):
        try:
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def test_calls_go_through_a_proxy(server, make_outbox, ca_file, tmp_path):
    certificate = certificates.make(tmp_path / "far", names="DNS:far.example.test")
    stripe = make_outbox(certificate=certificate)
    ca_file(readable(server, "far", certificate))
    proxy = Proxy(stripe.fake.server.port)
    setting(server, "owostack.http_proxy", proxy.url)
    try:
        wait_for(lambda: stripe.value("SHOW owostack.http_proxy"), "the setting has arrived")
        stripe.rows("SELECT owo_provider_set('stripe', %s)", Json(stripe.fake.credentials(base_url="https://far.example.test")))
        name = stripe.charge()
        stripe.done(name)
        assert proxy.asked[0].startswith("CONNECT far.example.test:443")
        proxy.listener.close()
        other = stripe.charge()
        row = stripe.reaches(other, "failed", "done")
        assert row["state"] == "done" or "hidden-password" not in row["error"]
    finally:
        setting(server, "owostack.http_proxy", None)
    # the server itself tells which settings have changed
    told = [line for line in server.log().splitlines() if "hidden-password" in line and "changed to" not in line and "ALTER SYSTEM" not in line]
    assert told == []


def test_a_stop_does_not_wait_for_calls(server, make_outbox):
    """The worker ends long before the first of its calls is answered or given up."""
    outbox = make_outbox()
    setting(server, "owostack.http_timeout", "90s")
    try:
        wait_for(lambda: outbox.value("SHOW owostack.http_timeout") == "90s", "the setting has arrived")
        outbox.fake.fail("GET /v1/prices", "hang", times=5, detail=80)
        names = [outbox.look() for _ in range(5)]
        wait_for(lambda: len(outbox.fake.asked("GET /v1/prices")) == 5, "five requests have come")
        worker = wait_for(lambda: server.workers(outbox.database))[0]
        began = time.monotonic()
        os.kill(worker, signal.SIGTERM)
        wait_for(lambda: not os.path.exists(f"/proc/{worker}"), "the worker has ended")
        assert time.monotonic() - began < 50
        assert {outbox.state(name) for name in names} == {"running"}
    finally:
        setting(server, "owostack.http_timeout", None)
    outbox.end_leases()
    for name in names:
        outbox.done(name)
