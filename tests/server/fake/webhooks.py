"""Webhooks: bodies, signatures, the queue and the ways in which deliveries go wrong.

What an event says is made when it is delivered where the provider does so, else when it happened. Nothing is delivered
by itself: `deliver` takes the queue to the sink, in order or as its arguments tell.
"""

import base64
import datetime as dt
import hashlib
import hmac
import json
import urllib.request
from dataclasses import dataclass, field
from typing import Callable

from . import clock


@dataclass(eq=False)
class Event:
    """Something to be told."""

    id: str
    type: str
    at: dt.datetime
    body: Callable[[], dict]
    attempts: int = 0
    headers: dict = field(default_factory=dict)


def stripe(secrets: list[str], event: Event, body: bytes, at: dt.datetime) -> dict:
    stamp = str(clock.unix(at))
    marks = [hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest() for secret in secrets]
    return {"Stripe-Signature": ",".join([f"t={stamp}", *(f"v1={mark}" for mark in marks), "v0=" + "0" * 64])}


def paystack(secrets: list[str], event: Event, body: bytes, at: dt.datetime) -> dict:
    # There is one key and no moment: the first secret signs.
    return {"x-paystack-signature": hmac.new(secrets[0].encode(), body, hashlib.sha512).hexdigest()}


def standard(keys: Callable[[str], bytes]):
    """The signature of Standard Webhooks; `keys` makes the key of a secret."""

    def sign(secrets: list[str], event: Event, body: bytes, at: dt.datetime) -> dict:
        stamp = str(clock.unix(at))
        signed = b".".join([event.id.encode(), stamp.encode(), body])
        marks = [base64.b64encode(hmac.new(keys(secret), signed, hashlib.sha256).digest()).decode() for secret in secrets]
        return {"webhook-id": event.id, "webhook-timestamp": stamp, "webhook-signature": " ".join(f"v1,{mark}" for mark in marks)}

    return sign


def decoded(secret: str) -> bytes:
    """The key that the standard makes of a secret: what its base64 says, padded or not."""
    text = secret.removeprefix("whsec_")
    return base64.b64decode(text + "=" * (-len(text) % 4))


SIGNERS = {
    "stripe": stripe,
    "paystack": paystack,
    "dodo": standard(decoded),
    # Polar signs with the secret's text as it is.
    "polar": standard(str.encode),
}


class Webhooks:
    """The queue of one account."""

    def __init__(self, provider: str, secrets: list[str], moment: Callable[[], dt.datetime]):
        self.sign = SIGNERS[provider]
        self.secrets = secrets
        self.moment = moment
        self.queue: list[Event] = []
        self.sent: list[tuple[dict, bytes]] = []
        self.told: list[Event] = []
        self.sink: Callable[[dict, bytes], object] | None = None
        self.url: str | None = None

    def packed(self, event: Event, secrets: list[str] | None = None, age: float = 0, altered: bool = False,
               upper: bool = False, broken: bool = False) -> tuple[dict, bytes]:
        """Headers and body of one delivery."""
        body = json.dumps(event.body(), ensure_ascii=False, separators=(",", ":")).encode()
        if broken:
            body = body[: len(body) // 2]
        at = self.moment() - dt.timedelta(seconds=age)
        headers = {**self.sign(secrets or self.secrets, event, body, at), "Content-Type": "application/json", **event.headers}
        if altered:
            place = body.rindex(b'"') - 1
            body = body[:place] + bytes([body[place] ^ 1]) + body[place + 1:]
        if upper:
            headers = {name.upper(): value for name, value in headers.items()}
        return headers, body

    def send(self, headers: dict, body: bytes) -> bool:
        """One delivery; false when it was not taken."""
        self.sent.append((headers, body))
        if self.sink:
            answer = self.sink(headers, body)
            return not (isinstance(answer, int) and not isinstance(answer, bool) and not 200 <= answer < 300)
        if self.url:
            try:
                with urllib.request.urlopen(urllib.request.Request(self.url, body, headers), timeout=10) as answer:
                    return 200 <= answer.status < 300
            except OSError:
                return False
        return True

    def deliver(self, times: int = 1, backwards: bool = False, only: str | None = None, drop: str | None = None,
                hold: str | None = None, **how) -> list[str]:
        """Delivers what is queued and returns the types that were taken, in order.

        `times` sends each so often, `backwards` begins with the last, `only` and `hold` leave others or these in the
        queue, `drop` loses them; `secrets`, `age`, `altered`, `upper`, `broken` say how each is packed.
        """
        due = [event for event in self.queue if (only is None or event.type == only) and event.type != hold]
        self.queue = [event for event in self.queue if event not in due]
        taken, left = [], []
        for event in reversed(due) if backwards else due:
            if event.type == drop:
                continue
            event.attempts += 1
            if all([self.send(*self.packed(event, **how)) for _ in range(times)]):
                taken.append(event.type)
            else:
                left.append(event)
        self.queue = left + self.queue
        return taken
