"""Stripe's wire: nested forms, errors, lists, expansion, idempotency keys."""

import datetime as dt
import re
import urllib.parse

from .. import web

KEY_HOURS = 24
VERSION = "2026-10-28.endive"


def form(text: str) -> dict:
    """A nested form as an object; what stands between brackets is a name or a place in a list."""
    found: dict = {}
    for name, value in urllib.parse.parse_qsl(text, keep_blank_values=True):
        head, *rest = re.findall(r"[^\[\]]+|(?<=\[)(?=\])", name)
        place = found
        for key, after in zip([head, *rest], rest):
            place = place.setdefault(key, {})
            assert isinstance(place, dict), f"{name}: {after}"
        place[[head, *rest][-1] or str(len(place))] = value
    return listed(found)


def listed(value):
    """Objects whose names are places become lists."""
    if not isinstance(value, dict):
        return value
    value = {key: listed(inner) for key, inner in value.items()}
    if value and all(key.isdigit() for key in value):
        return [value[key] for key in sorted(value, key=int)]
    return value


def error(status: int, message: str, code: str | None = None, param: str | None = None,
          kind: str = "invalid_request_error", **more) -> web.Answered:
    body = {"error": {"type": kind, "code": code, "message": message, "param": param, **more}}
    body["error"] = {key: value for key, value in body["error"].items() if value is not None}
    return web.Answered(status, body)


def missing(what: str, name: str, param: str, status: int = 404) -> web.Answered:
    return error(status, f"No such {what}: '{name}'", "resource_missing", param)


def unknown_parameters(given: dict, known: str) -> None:
    """Stripe refuses parameters that it does not know."""
    for name in given:
        if name not in [*known.split(), "expand", "metadata"]:
            raise error(400, f"Received unknown parameter: {name}", "parameter_unknown", name)


def needed(given: dict, *names: str) -> None:
    for name in names:
        if given.get(name) in (None, ""):
            raise error(400, f"Missing required param: {name}.", "parameter_missing", name)


def true(value) -> bool:
    return value == "true"


def page(items: list, given: dict, path: str) -> dict:
    """A list, newest first, from behind `starting_after`."""
    items = sorted(items, key=lambda item: item["created"], reverse=True)
    after = given.get("starting_after")
    if after:
        places = [place for place, item in enumerate(items) if item["id"] == after]
        if not places:
            raise missing("object", after, "starting_after", 400)
        items = items[places[0] + 1:]
    limit = int(given.get("limit", 10))
    if not 1 <= limit <= 100:
        raise error(400, "This value must be between 1 and 100.", "parameter_invalid_integer", "limit")
    return {"object": "list", "data": items[:limit], "has_more": len(items) > limit, "url": path}


def since(items: list, given: dict) -> list:
    created = given.get("created") or {}
    least = int(created.get("gte", 0)) if isinstance(created, dict) else int(created)
    return [item for item in items if item["created"] >= least]


class Keys:
    """Answers by idempotency key: the first one is given again, other parameters are an error."""

    def __init__(self):
        self.kept: dict = {}

    def find(self, request: web.Request, now: dt.datetime):
        """The answer that was kept for this very request."""
        key = request.headers.get("idempotency-key")
        kept = self.kept.get(key)
        if not kept or now - kept["at"] > dt.timedelta(hours=KEY_HOURS):
            return None
        if kept["asked"] != (request.method, request.path, request.raw):
            raise error(400, "Keys for idempotent requests can only be used with the same parameters they were first used with.",
                        None, None, "idempotency_error")
        return kept["status"], {"Idempotent-Replayed": "true"}, kept["body"]

    def keep(self, request: web.Request, now: dt.datetime, status: int, body) -> None:
        key = request.headers.get("idempotency-key")
        # What was refused before anything was carried out may be asked again under the same key.
        if key and request.method == "POST" and status not in (400, 401, 404, 409, 429):
            self.kept[key] = {"asked": (request.method, request.path, request.raw), "at": now, "status": status, "body": body}
