"""Webhooks for tests: the sample events and signature vectors of the provider crate, and how each provider signs."""

import base64
import hashlib
import hmac
import json
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "src/provider/tests/fixtures"
PROVIDERS = ["dodo", "paystack", "polar", "stripe"]
# When the vectors are verified, unless they say otherwise: ten seconds after they were signed.
NOW = 1793491215
# What accounts are made with.
SECRETS = {
    "dodo": {"secret_key": "dodo_key", "webhook_secret": "whsec_" + base64.b64encode(b"dodo webhook secret").decode()},
    "paystack": {"secret_key": "sk_test_paystack_webhook"},
    "polar": {"secret_key": "polar_oat_key", "webhook_secret": "polar webhook secret".replace(" ", "-")},
    "stripe": {"secret_key": "sk_test_stripe", "webhook_secret": "whsec_stripe_webhook"},
}


def vectors():
    """(provider, vector) of every signature vector; each with its body as bytes."""
    for provider in PROVIDERS:
        for vector in json.loads((FIXTURES / provider / "signatures.json").read_text()):
            if file := vector.get("body_file"):
                vector["body"] = (FIXTURES / provider / "events" / file).read_bytes()
            else:
                vector["body"] = vector["body"].encode()
            yield provider, vector


def samples(provider: str):
    """(name, body) of every sample event."""
    folder = FIXTURES / provider / "events"
    for path in sorted(folder.rglob("*.json")):
        yield path.relative_to(folder).with_suffix("").as_posix(), path.read_bytes()


def sign(provider: str, body: bytes, at: int = NOW, message: str = "msg_1", secrets: dict | None = None) -> dict:
    """Headers as the provider would send them."""
    secrets = secrets or SECRETS[provider]
    if provider == "paystack":
        return {"x-paystack-signature": hmac.new(secrets["secret_key"].encode(), body, hashlib.sha512).hexdigest()}
    secret = secrets["webhook_secret"]
    if provider == "stripe":
        tag = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        return {"Stripe-Signature": f"t={at},v1={tag}"}
    key = base64.b64decode(secret.removeprefix("whsec_")) if provider == "dodo" else secret.encode()
    tag = hmac.new(key, f"{message}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": message,
        "webhook-timestamp": str(at),
        "webhook-signature": "v1," + base64.b64encode(tag).decode(),
    }


def organization(database, slug: str, accounts: dict, at: int = NOW) -> None:
    """A sandbox whose clock stands, with accounts, and the role hook that may do nothing but receive webhooks."""
    with database.connect("postgres", options=f"-c owostack.organization={slug}") as session:
        session.execute("SELECT owo_organization(%s, environment => 'sandbox')", (slug,))
        session.execute("SELECT owo_clock_set(to_timestamp(%s))", (at,))
        session.execute(
            "DO $$ BEGIN CREATE ROLE owo_hook LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
        session.execute("SELECT owo_grant_role('owo_hook', 'webhook', %s)", (slug,))
        for provider, credentials in accounts.items():
            session.execute("SELECT owo_provider_set(%s, %s)", (provider, json.dumps(credentials)))


def hook(database, slug: str = "shop", **options) -> psycopg.Connection:
    """A session of that role in an organization."""
    return database.connect("owo_hook", options=f"-c owostack.organization={slug}", **options)


def deliver(session, provider: str, headers: dict, body: bytes) -> tuple:
    """The receipt: id, status, duplicate."""
    query = "SELECT id, status, duplicate FROM owo_webhook(%s, %s, %s)"
    return session.execute(query, (provider, json.dumps(headers), body)).fetchone()


def refusal(session, provider: str, headers: dict, body: bytes) -> tuple | None:
    """What a refused webhook is told; None when it was taken."""
    try:
        deliver(session, provider, headers, body)
    except psycopg.Error as error:
        diagnostic = error.diag
        return (diagnostic.sqlstate, diagnostic.message_primary, diagnostic.message_detail, diagnostic.message_hint, diagnostic.context)
    return None
