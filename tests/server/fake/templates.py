"""Objects as providers show them: the `data` of the sample webhooks, which the provider crate's contract reads too."""

import copy
import functools
import json
from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[3] / "src/provider/tests/fixtures"


@functools.lru_cache(maxsize=None)
def _read(provider: str, name: str) -> dict:
    return json.loads((SAMPLES / provider / "events" / f"{name}.json").read_text())


def event(provider: str, name: str) -> dict:
    """A whole sample event, to be changed at will."""
    return copy.deepcopy(_read(provider, name))


def data(provider: str, name: str, /, **fields) -> dict:
    """The object inside a sample event with other values; a field that the sample lacks is a mistake."""
    found = event(provider, name)["data"]
    found = found["object"] if provider == "stripe" else found
    return changed(found, **fields)


def changed(found: dict, /, **fields) -> dict:
    unknown = set(fields) - set(found)
    assert not unknown, f"the sample has no {unknown}"
    found.update(fields)
    return found
