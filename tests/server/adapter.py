"""The provider crate's adapters in conversation with a fake, over real HTTP but without a database.

The crate builds requests and reads answers without a network; the network is here. What the worker does with an
operation, `run` does by the same rules: go on, come back later, and tell a request that may have arrived from one that
cannot have.
"""

import datetime as dt
import http.client
import json
import os
import subprocess
import urllib.parse
import uuid
from pathlib import Path

from conftest import ROOT

TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BODY_MAX = 1_000_000
STEPS_MAX = 120
RETRIES_MAX = 12


def build() -> None:
    """Makes the program that holds the crate's side."""
    command = ["cargo", "build", "-q", "-p", "owostack-provider", "--example", "converse"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Adapter:
    """The adapter of a fake's provider, with that fake's account."""

    def __init__(self, account, timeout: float = 2):
        self.account, self.timeout = account, timeout
        self.program = subprocess.Popen([TARGET / "debug/examples/converse"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.sent: list[str] = []

    def close(self) -> None:
        self.program.stdin.close()
        self.program.wait()
        self.program.stdout.close()

    def told(self, what: str, **fields) -> dict:
        self.program.stdin.write(json.dumps({"do": what, **fields}) + "\n")
        self.program.stdin.flush()
        line = self.program.stdout.readline()
        assert line, f"the adapter ended at {what}"
        return json.loads(line)

    def identity(self) -> dict:
        return {"provider": self.account.provider, "credentials": self.account.credentials()}

    def run(self, operation: dict, job: str | None = None) -> tuple[str, object]:
        """Drives an operation to its end: the word of the outcome and what it holds."""
        at = self.account.now()
        self.told("begin", **self.identity(), operation=operation, id=job or str(uuid.uuid4()), at=at.isoformat())
        retries = 0
        for _ in range(STEPS_MAX):
            request = self.told("request", at=at.isoformat())
            if "refusal" in request:
                return "refused", request["refusal"]
            outcome = self.told("answer", at=at.isoformat(), **self.send(request))
            (word, held), = outcome.items()
            if word in ("retry", "rate_limited"):
                retries += 1
                assert retries <= RETRIES_MAX, f"{operation} does not end: {held}"
                at += dt.timedelta(seconds=held.get("after_seconds") or 60)
            elif word != "next":
                return word, held
        raise AssertionError(f"{operation} does not end")

    def done(self, operation: dict, job: str | None = None) -> dict:
        """What an operation leads to, which must be good."""
        word, held = self.run(operation, job)
        assert word == "done", (word, held)
        (_, found), = held.items() if isinstance(held, dict) else [(held, held)]
        return found

    def send(self, request: dict) -> dict:
        address = urllib.parse.urlsplit(request["url"])
        self.sent.append(f"{request['method']} {address.path}")
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=self.timeout)
        target = address.path + (f"?{address.query}" if address.query else "")
        try:
            connection.connect()
        except OSError as error:
            return {"not_sent": str(error)}
        try:
            connection.request(request["method"], target, request["body"].encode() or None, request["headers"])
            answer = connection.getresponse()
            body = answer.read(BODY_MAX + 1)
            if len(body) > BODY_MAX:
                return {"lost": "the answer is too long"}
            wanted = answer.getheader("Content-Length")
            if wanted and len(body) < int(wanted):
                return {"lost": "half an answer"}
            return {"status": answer.status, "headers": dict(answer.getheaders()), "body": body.decode()}
        except (OSError, http.client.HTTPException) as error:
            return {"lost": str(error) or type(error).__name__}
        finally:
            connection.close()

    def webhook(self, headers: dict, body: bytes, at: dt.datetime | None = None) -> dict:
        """Whether a delivery is genuine, and the event it holds."""
        at = (at or self.account.now()).isoformat()
        return self.told("webhook", **self.identity(), headers=headers, body=body.decode(), at=at)
