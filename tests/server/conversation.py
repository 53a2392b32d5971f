"""The scripted conversations of `src/provider/tests/fixtures`, held by the real adapters: every request they make.

The provider's answers are read from the scripts, as `src/provider/tests/contract/flows.rs` does; whoever gives an
address may send the requests there as well, and judge them.
"""

import datetime as dt
import json
import subprocess
import uuid
from dataclasses import dataclass
from urllib.parse import urlsplit

from adapter import TARGET
from fake import templates

JOB = "01923f00-0000-7000-8000-000000000042"
# When the signature vectors were made: the scripts' answers are of that time.
NOW = dt.datetime.fromtimestamp(1_793_491_215, dt.timezone.utc)
INSIDE = {
    "list": lambda value: {"object": "list", "data": [value], "has_more": False},
    "items": lambda value: {"items": [value], "pagination": {"max_page": 1}},
    "envelope": lambda value: {"status": True, "message": "ok", "data": value},
    "envelopes": lambda value: {"status": True, "message": "ok", "data": [value]},
}


@dataclass(frozen=True)
class Request:
    """One request of a conversation, as it would be sent."""

    provider: str
    flow: str
    method: str
    url: str
    headers: dict
    body: str

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def writes(self) -> bool:
        return self.method != "GET"


def sample(provider: str, script: dict) -> dict:
    """The object of a sample webhook, changed and wrapped as the script says."""
    body = json.loads((templates.SAMPLES / provider / "events" / f"{script['sample']}.json").read_text())["data"]
    value = {**(body.get("object") if isinstance(body.get("object"), dict) else body), **script.get("with", {})}
    return INSIDE.get(script.get("inside"), lambda same: same)(value)


def answer(provider: str, script: dict) -> dict:
    """The answer that a script describes, in the words of the adapter's program."""
    if script.keys() & {"lost", "not_sent"}:
        return script
    body = script["raw"] if "raw" in script else json.dumps(sample(provider, script) if "sample" in script else script.get("body"))
    return {"status": script.get("status", 200), "headers": script.get("headers", {}), "body": body}


def requests(provider: str, base_url: str = "http://127.0.0.1:1") -> list[Request]:
    """Every request of every conversation of a provider."""
    found = []
    credentials = {"secret_key": f"sk_test_{uuid.UUID(int=1).hex}", "webhook_secret": "whsec_c2VjcmV0c2VjcmV0c2VjcmV0", "base_url": base_url}
    program = subprocess.Popen([TARGET / "debug/examples/converse"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def told(what: str, at: dt.datetime, **fields) -> dict:
        program.stdin.write(json.dumps({"do": what, "at": at.isoformat(), **fields}) + "\n")
        program.stdin.flush()
        return json.loads(program.stdout.readline())

    for flow in json.loads((templates.SAMPLES / provider / "flows.json").read_text()):
        at = NOW
        told("begin", at, provider=provider, credentials=credentials, operation=flow["operation"], id=JOB)
        for script in [*flow.get("answers", []), None]:
            at += dt.timedelta(hours=(script or {}).get("after_hours", 0))
            request = told("request", at)
            if "refusal" in request:
                break
            found.append(Request(provider, flow["name"], **request))
            if script is None or next(iter(told("answer", at, **answer(provider, script)))) not in ("next", "retry", "rate_limited"):
                break
    program.stdin.close()
    program.wait()
    program.stdout.close()
    return found
