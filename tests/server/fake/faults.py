"""Faults: what goes wrong with a request, by a script that a test writes beforehand.

A fault belongs to a route such as `POST /v1/refunds` or `GET /v1/prices/*`, skips so many requests and then strikes so
many times. Those marked with an effect strike after the provider has done what it was asked for.
"""

import fnmatch
from dataclasses import dataclass

KINDS = {
    "rate_limited": False,
    "error": False,
    "error_after": True,
    "hang": False,
    "hang_after": True,
    "reset": False,
    "reset_after": True,
    "page": False,
    "page_after": True,
    "redirect": False,
    "half": True,
    "oversized": True,
    "invalid_json": True,
    "empty": True,
    "already_done": True,
}


@dataclass(eq=False)
class Fault:
    """One line of the script; `detail` is seconds, a status, a size or an address, as the kind asks."""

    route: str
    kind: str
    times: int = 1
    skip: int = 0
    detail: object = None

    def __post_init__(self):
        assert self.kind in KINDS, self.kind

    @property
    def has_effect(self) -> bool:
        return KINDS[self.kind]


class Faults(list):
    """The script of a fake."""

    def strike(self, method: str, path: str) -> Fault | None:
        """The fault that strikes this request, if any; it counts."""
        for fault in self:
            if fault.times > 0 and fnmatch.fnmatchcase(f"{method} {path}", fault.route):
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault
        return None
