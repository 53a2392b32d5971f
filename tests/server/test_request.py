"""What our adapters ask of providers is what these want: judges that somebody else made find nothing against it.

The requests are those of every scripted conversation, sent by the adapters. Paystack's OpenAPI document is in a
package, so Prism judges them as a server would; no registry has one of the others, whose own libraries' types judge
the bodies instead. Each judge must also refuse what is wrong.
"""

import dataclasses
import json

import pytest
from conversation import requests

import fake
import judge
from adapter import build
from conftest import ROOT

# Where a judge is older than its provider: Paystack takes CFA francs and bills each quarter.
OLD_DOCUMENT = {
    ("POST /transaction/charge_authorization", "Request body property currency must be equal to one of the allowed values: GHS, KES, NGN, ZAR, USD"),
    ("GET /plan", "Request query parameter interval must be equal to one of the allowed values: daily, weekly, monthly, biannually, annually"),
}
OLD_TYPES = {"paystack": ['"XOF"']}


@pytest.fixture(scope="module", autouse=True)
def programs():
    build()


@pytest.fixture(scope="module", params=judge.DOCUMENTS)
def prism(request):
    made = judge.Prism(request.param)
    yield made
    made.stop()


def kinds(provider: str, base_url: str = "http://127.0.0.1:1") -> list:
    """One request of each type of body."""
    found = {}
    for request in requests(provider, base_url):
        if request.writes and request.body:
            found.setdefault(judge.kind(request), request)
    return list(found.values())


def test_prism_refuses_no_request(prism):
    found, asked = set(), requests(prism.provider, prism.url)
    for request in asked:
        status, violations = prism.says(request)
        found |= {(request.name, each) for each in violations or ([str(status)] if status >= 400 else [])}
    assert found == OLD_DOCUMENT
    demanded = json.loads((ROOT / f"src/provider/tests/fixtures/{prism.provider}/required.json").read_text())
    assert {request.name for request in asked} >= {name for name in demanded if "*" not in name}


def test_prism_refuses_what_is_wrong(prism):
    for request in kinds(prism.provider, prism.url):
        body = json.loads(request.body)
        broken = [{}] + [{**body, name: [[]]} for name in ("amount", "customer", "transaction", "email") if name in body]
        for each in broken:
            status, violations = prism.says(dataclasses.replace(request, body=json.dumps(each)))
            assert status >= 400 and violations, (request.name, each)
        bare = dataclasses.replace(request, headers={"Content-Type": "application/json"})
        assert prism.says(bare)[0] == 401, request.name


@pytest.mark.parametrize("provider", fake.PROVIDERS)
def test_the_librarys_types_take_every_body(provider):
    asked = [request for request in requests(provider) if request.writes and request.body]
    found = judge.compiled(provider, [(judge.kind(each), judge.value(each), f"{each.name}: {each.flow}") for each in asked])
    known = OLD_TYPES.get(provider, [])
    assert len(found) == len(known) and all(mark in each for mark, each in zip(known, found)), "\n".join(found)
    used = {judge.kind(each) for each in asked}
    assert len(used) == len(kinds(provider)) > 5


@pytest.mark.parametrize("provider", fake.PROVIDERS)
def test_the_librarys_types_refuse_what_is_wrong(provider):
    """A field that nobody knows, for each type of body, and another kind of value for each field of it."""
    broken = []
    for request in kinds(provider):
        body, kind = judge.value(request), judge.kind(request)
        broken.append((kind, {**body, "owo_unknown": "1"}, request.name))
        broken += [(kind, {**body, name: [[[1]]]}, f"{request.name}: {name}") for name in body]
    found = "\n".join(judge.compiled(provider, broken))
    taken = [remark for place, (_, _, remark) in enumerate(broken) if f"export const body{place}:" not in found]
    assert taken == []
