"""The fakes are honest: the providers' own libraries talk to them, take their webhooks, and agree about signatures."""

import datetime as dt
import json
import os
import re
import subprocess

import pytest

import fake
from fake import templates, typed, webhooks
from judge import MODULES, NODE

UTC = dt.timezone.utc


@pytest.mark.parametrize("provider", fake.PROVIDERS)
def test_the_providers_own_library_talks_to_its_fake(provider):
    with fake.start(provider) as account:
        # The library compares a webhook with the machine's clock, which the fake's runs away from.
        account.webhooks.moment = lambda: dt.datetime.now(UTC)
        environment = {**os.environ, "FAKE": json.dumps(account.credentials())}
        done = subprocess.run([NODE, f"{provider}.mjs"], cwd=MODULES, env=environment, capture_output=True, text=True, timeout=120)
        assert account.crashes == []
        assert done.returncode == 0, done.stderr
        assert account.unknown == [], "a route that the library asked for is missing"
        if provider in typed.TYPES:
            check_types(account)


def check_types(account):
    """What was answered and told has the types that the library promises."""
    folder = MODULES / "answers"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.ts"):
        old.unlink()
    (folder / f"{account.provider}.ts").write_text(typed.source(account))
    done = subprocess.run([NODE, "node_modules/typescript/bin/tsc", "-p", "."], cwd=MODULES, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[:4000]


@pytest.mark.parametrize("provider", fake.PROVIDERS)
def test_signatures_are_those_of_the_published_vectors(provider):
    """What the libraries were seen to accept, the fake signs in the same way."""
    signers = [webhooks.SIGNERS[provider]]
    if provider == "polar":
        # The standard's way to make a key of a secret is the other one that Polar's library takes.
        signers.append(webhooks.standard(webhooks.decoded))
    proven = 0
    for vector in json.loads((templates.SAMPLES / provider / "signatures.json").read_text()):
        if not vector["valid"] or "body_file" in vector or "secret" not in vector:
            continue
        given = {name.lower(): value for name, value in vector["header"].items()}
        stamp = given.get("webhook-timestamp") or given.get("stripe-signature", "t=0,").partition(",")[0].removeprefix("t=")
        event = webhooks.Event(given.get("webhook-id", ""), "", dt.datetime.now(UTC), dict)
        at = dt.datetime.fromtimestamp(int(stamp), UTC)
        made = [list(sign([vector["secret"]], event, vector["body"].encode(), at).values())[-1] for sign in signers]
        wanted = re.split("[, ](?=v[01])", list(given.values())[-1])
        assert any(mark in wanted for each in made for mark in re.split("[, ](?=v[01])", each) if "0" * 64 not in mark), vector["name"]
        proven += 1
    assert proven >= 2
