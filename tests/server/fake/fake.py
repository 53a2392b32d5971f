"""A provider's account with its server: what a test starts, drives and asks.

    with fake.start("stripe") as stripe: ...

`base_url`, `secret_key` and `webhook_secret` are the credentials; `life` says what happens without requests.
"""

import dataclasses
import datetime as dt
import json
import secrets
import sys
import threading
import traceback

from . import clock, web, webhooks
from .billing import alone
from .faults import Fault, Faults
from .life import Life
from .model import Card


class Fake(Life):
    """What all four have in common on the wire."""

    provider = ""
    KEY = "sk_test_"

    def __init__(self, at: dt.datetime | None = None, certificate=None, secret_key: str | None = None,
                 webhook_secret: str | None = None):
        super().__init__(clock.Clock(at))
        self.secret_key = secret_key or self.KEY + secrets.token_hex(16)
        self.webhook_secret = webhook_secret or self.make_webhook_secret()
        self.stopped = threading.Event()
        self.faults = Faults()
        self.requests: list[web.Request] = []
        self.unknown: list[str] = []
        self.crashes: list[str] = []
        self.webhooks = webhooks.Webhooks(self.provider, [self.webhook_secret], self.clock.now)
        self.routes = web.routes_of(type(self))
        self.server = web.Server(self, certificate)
        self.base_url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.server.port}"

    def make_webhook_secret(self) -> str:
        return "whsec_" + secrets.token_hex(16)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends the server; requests that hang are let go."""
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()

    def credentials(self, **more) -> dict:
        """What `owo_provider_set` takes."""
        return {"secret_key": self.secret_key, "webhook_secret": self.webhook_secret, "base_url": self.base_url, **more}

    # -- the script ------------------------------------------------------------------------------------------------

    def fail(self, route: str, kind: str, times: int = 1, skip: int = 0, detail=None) -> Fault:
        """Writes a fault into the script."""
        fault = Fault(route, kind, times, skip, detail)
        self.faults.append(fault)
        return fault

    def asked(self, name: str | None = None) -> list[web.Request]:
        """The requests so far, or those of one `METHOD /path`."""
        return [request for request in self.requests if name in (None, request.name)]

    def deliver(self, **how) -> list[str]:
        """Delivers the webhooks that are due, see `webhooks`; nothing of the fake is locked meanwhile."""
        return self.webhooks.deliver(**how)

    def tell(self, kind: str, body, at: dt.datetime | None = None) -> webhooks.Event:
        event = webhooks.Event(self.name("event"), kind, at or self.now(), body)
        self.webhooks.queue.append(event)
        self.webhooks.told.append(event)
        self.step()
        return event

    # -- answers ---------------------------------------------------------------------------------------------------

    def answer(self, request: web.Request) -> tuple[int, dict, bytes]:
        with self.lock:
            self.requests.append(request)
            try:
                status, headers, body = self.carried_out(request)
            except web.Answered as other:
                status, headers, body = other.status, other.headers, other.body
            except Exception:
                self.failed()
                status, headers, body = 500, {}, {"fake": "crashed"}
            request.status, request.answer = status, body
            return self.packed(status, headers, body)

    def answer_second(self, request: web.Request) -> tuple[int, dict, bytes]:
        """As if somebody else had asked for the same just before."""
        with self.lock:
            try:
                self.dispatch(request)
            except web.Answered:
                pass
        return self.answer(request)

    def refuse(self, status: int, seconds=None, carried: web.Request | None = None) -> tuple[int, dict, bytes]:
        headers, body = self.failure(status)
        if seconds is not None:
            headers = {**headers, "Retry-After": str(seconds)}
        if carried:
            self.replace_answer(carried, status, body)
        return self.packed(status, headers, body)

    def packed(self, status: int, headers: dict, body) -> tuple[int, dict, bytes]:
        if isinstance(body, bytes):
            return status, headers, body
        packed = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        return status, {"Content-Type": "application/json", **self.extra_headers(), **headers}, packed

    def carried_out(self, request: web.Request) -> tuple[int, dict, object]:
        self.authorize(request)
        status, body = self.dispatch(request)
        return status, {}, body

    def dispatch(self, request: web.Request) -> tuple[int, object]:
        for method, expression, status, name in self.routes:
            found = expression.match(request.path)
            if found and method == request.method:
                body = getattr(self, name)(request, *found.groups())
                return status, body
        self.unknown.append(request.name)
        raise self.not_found(request)

    def authorize(self, request: web.Request) -> None:
        if request.headers.get("authorization") != f"Bearer {self.secret_key}":
            headers, body = self.failure(401)
            raise web.Answered(401, body, headers)

    def extra_headers(self) -> dict:
        return {}

    def failure(self, status: int) -> tuple[dict, dict]:
        """How the provider words a status."""
        raise NotImplementedError

    def replace_answer(self, request: web.Request, status: int, body) -> None:
        """A failure that came after the effect, for providers that remember answers."""

    def not_found(self, request: web.Request) -> web.Answered:
        headers, body = self.failure(404)
        return web.Answered(404, body, headers)

    def failed(self):
        """A mistake of the fake itself must be seen."""
        if not isinstance(sys.exc_info()[1], OSError):
            self.crashes.append(traceback.format_exc())

    # -- for other languages ---------------------------------------------------------------------------------------

    CONTROLS = ("advance", "complete", "expire", "cancel_in_portal", "keep_in_portal", "change_in_portal", "pay_now",
                "decline_next", "save_in_portal", "detach_in_portal", "refund_in_dashboard", "dispute", "fail", "deliver", "listen", "state")

    def listen(self, url: str | None) -> None:
        """Webhooks go to that address, as they do to a test that gave a sink."""
        self.webhooks.url = url

    @alone
    def state(self) -> dict:
        """Everything, for a look."""
        kinds = ("customers", "methods", "products", "prices", "checkouts", "subscriptions", "payments", "refunds")
        shown = {kind: [dataclasses.asdict(one) for one in getattr(self, kind).values()] for kind in kinds}
        return {**shown, "ledger": [dataclasses.asdict(line) for line in self.ledger],
                "events": [event.type for event in self.webhooks.queue], "now": self.clock.now()}

    def control(self, request: web.Request) -> tuple[int, dict, bytes]:
        name, arguments = request.path.removeprefix("/_control/"), request.json
        if name not in self.CONTROLS:
            return 404, {}, b"{}"
        if isinstance(arguments.get("card"), dict):
            arguments["card"] = Card(**arguments["card"])
        result = getattr(self, name)(**arguments)
        plain = dataclasses.asdict(result) if dataclasses.is_dataclass(result) else result
        return 200, {"Content-Type": "application/json"}, json.dumps(plain, default=str).encode()
