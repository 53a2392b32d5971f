"""Receipt of webhooks: what is genuine is kept once, byte for byte; everything else is told the same and leaves nothing."""

import json
import threading

import pytest
from webhook import NOW, PROVIDERS, SECRETS, deliver, hook, organization, refusal, samples, sign, vectors

UNBELIEVED = ("28000", "the webhook's signature is missing, wrong or too old", None, None, None)


def stored(database) -> list[tuple]:
    return database.rows("SELECT provider, event_id, status, body FROM owo.webhook_event ORDER BY received_at, id", role="postgres")


def test_the_vectors_hold(database):
    """Valid ones are kept as they came, and are duplicates the second time; the others leave no row."""
    kept = 0
    for number, (provider, vector) in enumerate(vectors()):
        slug, secret = f"vector-{number}", vector["secret"]
        credentials = {"secret_key": secret if provider == "paystack" else "sk_test_other"}
        if provider != "paystack":
            credentials["webhook_secrets"] = [secret]
        organization(database, slug, {provider: credentials}, vector.get("verify_at", NOW))
        with hook(database, slug) as session:
            found = refusal(session, provider, vector["header"], vector["body"])
            if not vector["valid"]:
                assert found == UNBELIEVED, (provider, vector["name"])
                continue
            assert found is None, (provider, vector["name"])
            kept += 1
            first = deliver(session, provider, vector["header"], vector["body"])
            assert first[2], (provider, vector["name"])
            # The status may have moved on: a worker applies it where one runs.
            assert deliver(session, provider, vector["header"], vector["body"])[::2] == first[::2]
        assert stored(database)[-1][3] is not None
    rows = stored(database)
    assert len(rows) == kept == 16
    assert {bytes(row[3]) for row in rows} == {vector["body"] for _, vector in vectors() if vector["valid"]}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_sample_is_received(database, provider):
    """Each event of the samples is kept byte for byte under an id of its own, and known by it when it comes again."""
    organization(database, "shop", {provider: SECRETS[provider]})
    bodies = dict(samples(provider))
    ids = {}
    with hook(database) as session:
        for name, body in bodies.items():
            headers = sign(provider, body, message=f"msg_{name}")
            (ids[name], status, duplicate) = deliver(session, provider, headers, body)
            assert status in ("received", "ignored", "unknown") and not duplicate, (name, status, duplicate)
        for name, body in bodies.items():
            headers = sign(provider, body, NOW + 200, message=f"msg_{name}")
            assert deliver(session, provider, headers, body)[::2] == (ids[name], True), name
    assert sorted(bytes(row[3]) for row in stored(database)) == sorted(bodies.values())


def changed(body: bytes) -> dict[str, bytes]:
    """The same event in other bytes, and others."""
    value = json.loads(body)
    return {
        "truncated": body[:-1],
        "halved": body[: len(body) // 2],
        "empty": b"",
        "longer": body + b"\n",
        "one bit": bytes([body[0] ^ 1]) + body[1:],
        "reordered": json.dumps(dict(reversed(value.items())), ensure_ascii=False, separators=(",", ":")).encode(),
        "compact": json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(),
        "spaced": json.dumps(value, ensure_ascii=False, indent=3).encode(),
        "escaped": json.dumps(value, ensure_ascii=True, separators=(", ", ":")).encode(),
        "other encoding": body.decode().encode("utf-16"),
        "byte order mark": b"\xef\xbb\xbf" + body,
        "not text": b"\xff\xfe\x00" + body,
    }


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_is_not_genuine_is_refused_in_one_message(database, provider):
    """Wrong secret, stale, replayed for another event, truncated, reordered, re-encoded: one message, no row."""
    organization(database, "shop", {provider: SECRETS[provider]})
    name, body = next(samples(provider))
    good = sign(provider, body)
    attempts = {label: (good, other) for label, other in changed(body).items() if other != body}
    others = {field: value[:-4] + "aaaa" for field, value in SECRETS[provider].items()}
    attempts["wrong secret"] = (sign(provider, body, secrets=others), body)
    attempts["no headers"] = ({}, body)
    attempts["another provider's"] = (sign("stripe" if provider != "stripe" else "paystack", body), body)
    for header in good:
        attempts[f"without {header}"] = ({key: value for key, value in good.items() if key != header}, body)
        attempts[f"empty {header}"] = ({**good, header: ""}, body)
        attempts[f"number as {header}"] = ({**good, header: 1}, body)
        attempts[f"cut {header}"] = ({**good, header: good[header][: len(good[header]) // 2]}, body)
    if provider != "paystack":
        attempts["stale"] = (sign(provider, body, NOW - 301), body)
        attempts["from the future"] = (sign(provider, body, NOW + 301), body)
    if provider in ("dodo", "polar"):
        attempts["replayed under another id"] = ({**good, "webhook-id": "msg_2"}, body)
        attempts["replayed at another time"] = ({**good, "webhook-timestamp": str(NOW + 1)}, body)
    with hook(database) as session:
        for label, (headers, other) in attempts.items():
            assert refusal(session, provider, headers, other) == UNBELIEVED, label
        assert stored(database) == []
        assert deliver(session, provider, good, body)[2] is False, name


def test_a_stale_one_stays_refused_after_the_genuine_one_came(database):
    """The age is judged by the organization's clock at each delivery; a known event is no exception."""
    organization(database, "shop", {"stripe": SECRETS["stripe"]})
    body = b'{"id":"evt_1","object":"event","type":"invoice.paid","created":1793491204,"data":{"object":{}}}'
    with hook(database) as session, database.connect("postgres", options="-c owostack.organization=shop") as admin:
        headers = sign("stripe", body)
        identity = deliver(session, "stripe", headers, body)[0]
        admin.execute("SELECT owo_clock_advance('5 minutes 1 second')")
        assert refusal(session, "stripe", headers, body) == UNBELIEVED
        assert deliver(session, "stripe", sign("stripe", body, NOW + 301), body)[::2] == (identity, True)
    assert len(stored(database)) == 1


def test_deliveries_at_once_are_one_event(database):
    """Many sessions deliver the same event: one row, one first, the same id for all."""
    organization(database, "shop", {"paystack": SECRETS["paystack"]})
    bodies = [body for _, body in samples("paystack")]
    sessions, receipts = 8, []
    gate = threading.Barrier(sessions)

    def run():
        with hook(database) as session:
            for body in bodies:
                gate.wait()
                receipts.append((body, *deliver(session, "paystack", sign("paystack", body), body)))

    threads = [threading.Thread(target=run) for _ in range(sessions)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(receipts) == sessions * len(bodies)
    for body in bodies:
        mine = [receipt for receipt in receipts if receipt[0] == body]
        assert len({receipt[1] for receipt in mine}) == 1
        assert [receipt[3] for receipt in mine].count(False) == 1
    assert len(stored(database)) == len(bodies)


@pytest.mark.parametrize("end, duplicate", [("commit", True), ("rollback", False)])
def test_a_second_delivery_waits_for_the_first(database, end, duplicate):
    """Whoever comes second is answered by what became of the first."""
    organization(database, "shop", {"paystack": SECRETS["paystack"]})
    _, body = next(samples("paystack"))
    headers, second = sign("paystack", body), []
    with hook(database, autocommit=False) as one, hook(database) as two, database.connect("postgres") as look:
        first = deliver(one, "paystack", headers, body)
        waiting = threading.Thread(target=lambda: second.append(deliver(two, "paystack", headers, body)))
        waiting.start()
        blocked = "SELECT cardinality(pg_blocking_pids(%s)) > 0"
        while not look.execute(blocked, (two.info.backend_pid,)).fetchone()[0]:
            assert waiting.is_alive()
        getattr(one, end)()
        waiting.join()
    assert second[0][2] is duplicate
    assert (second[0][0] == first[0]) is duplicate
    assert len(stored(database)) == 1


@pytest.mark.parametrize("setting, expected", [("off", "on"), ("local", "local"), ("on", "on"), ("remote_apply", "remote_apply")])
def test_a_receipt_waits_for_the_disk(database, setting, expected):
    """A provider that was answered does not deliver again: the commit is flushed whatever the session has set."""
    organization(database, "shop", {"paystack": SECRETS["paystack"]})
    _, body = next(samples("paystack"))
    with hook(database) as session:
        session.execute(f"SET synchronous_commit = {setting}")
        with session.transaction():
            deliver(session, "paystack", sign("paystack", body), body)
            assert session.execute("SHOW synchronous_commit").fetchone()[0] == expected
        assert session.execute("SHOW synchronous_commit").fetchone()[0] == setting


def test_headers_of_forwarders_are_not_kept(database):
    """What a proxy adds may be a credential of ours."""
    organization(database, "shop", {"polar": SECRETS["polar"]})
    _, body = next(samples("polar"))
    headers = {**sign("polar", body), "authorization": "Bearer hidden", "cookie": "hidden", "apikey": "hidden", "x-real-ip": "10.0.0.1"}
    with hook(database) as session:
        deliver(session, "polar", headers, body)
    kept = database.value("SELECT headers FROM owo.webhook_event", role="postgres")
    assert kept == sign("polar", body)
