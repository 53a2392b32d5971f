"""Credentials are where they must be and nowhere else: a hunt through log, dump, files, catalog, views, events and errors.

Each hunt uses credentials of its own, right and wrong ones, by calls that succeed and calls that fail, with the worker
calling a fake provider, and then looks for them as text, hexadecimal and base64.
"""

import base64
import json
import os
import stat
import subprocess
from pathlib import Path

import psycopg
import pytest
from preloaded import Server, wait_for

import fake

LOUD = {"log_min_messages": "debug5", "log_min_error_statement": "debug5", "client_min_messages": "notice"}


def forms(secret: str) -> set[bytes]:
    """The ways in which a text may lie in a file; base64 in each of its three alignments."""
    found = {secret.encode(), secret.encode().hex().encode(), secret.encode().hex().upper().encode(), secret.encode("utf-16-le")}
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + secret.encode())
        found.add(whole[4 if shift else 0 : -4])
    return found


def hunt(where: str, haystack: bytes, secrets: list[str]) -> list[str]:
    """Where secrets were found; the value itself is not shown again."""
    return [f"{where}: ...{secret[-4:]}" for secret in secrets for form in forms(secret) if form in haystack]


def test_the_hunt_finds_what_is_there():
    for text in ("sk_test_0123456789abcdef", "whsec_0123456789"):
        for haystack in (text.encode(), text.encode().hex().encode(), base64.b64encode(text.encode()), base64.b64encode(b"{" + text.encode() + b"}")):
            assert hunt("x", b"before " + haystack + b" after", [text]) != []
        assert hunt("x", b"sk_test_other", [text]) == []


@pytest.fixture
def server():
    """A server that writes down whatever it can."""
    libraries = "pg_stat_statements,owostack"
    if not list(Path(os.environ["BIN"]).parent.glob("lib/pg_stat_statements.so")):
        libraries = "owostack"
    server = Server("secrets", shared_preload_libraries=libraries, track_activity_query_size="32kB", **LOUD)
    server.rows("CREATE DATABASE shop")
    server.rows("CREATE EXTENSION owostack", database="shop")
    if "pg_stat_statements" in libraries:
        server.rows("CREATE EXTENSION pg_stat_statements", database="shop")
    yield server
    server.destroy()


def put(server, file: Path, text: str, mode: int = 0o600):
    """Writes a file that belongs to the server's user."""
    file.write_text(text)
    about = os.stat(server.folder / "data")
    os.chown(file, about.st_uid, about.st_gid)
    file.chmod(mode)


def everything(server, database: str, errors: list[str]) -> dict[str, bytes]:
    """All that this server tells or keeps, but for the files that hold the secrets."""
    programs = Path(os.environ["BIN"])
    environment = {**os.environ, "PGHOST": str(server.folder), "PGUSER": "postgres"}
    dump = subprocess.run([programs / "pg_dump", database], env=environment, capture_output=True, check=True).stdout
    globals_ = subprocess.run([programs / "pg_dumpall", "--globals-only"], env=environment, capture_output=True, check=True).stdout
    found = {"log": server.log().encode(), "dump": dump, "globals": globals_, "errors": "\n".join(errors).encode()}
    relations = """SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname IN ('owo', 'public', 'pg_catalog') AND c.relname !~ '^pg_stat_(progress|wal)'"""
    for (relation,) in server.rows(relations, database=database):
        rows = server.rows(f"SELECT r::text FROM {relation} AS r", database=database)
        found[relation] = "\n".join(str(row[0]) for row in rows).encode()
    # Tables, indexes, the write-ahead log and whatever else lies in the data directory.
    server.rows("CHECKPOINT")
    for path in sorted((server.folder / "data").rglob("*")):
        if path.is_file() and path.name != "owostack.key":
            found[str(path.relative_to(server.folder))] = path.read_bytes()
    return found


def attempt(session, errors: list[str], query: str, *arguments):
    """Runs a call that may fail, and keeps all that the client is told."""
    try:
        cursor = session.execute(query, arguments)
        return cursor.fetchall() if cursor.description else []
    except psycopg.Error as error:
        diagnostic = error.diag
        errors.append(" ".join(str(getattr(diagnostic, field)) for field in dir(diagnostic) if not field.startswith("_")))
        return None


def test_credentials_show_nowhere(server):
    """By bind parameters, at the loudest log level, right and wrong ones, in calls that fail anywhere."""
    errors: list[str] = []
    with fake.start("stripe") as account, server.connect("shop") as session:
        session.add_notice_handler(lambda notice: errors.append(str(notice.message_primary)))
        right = account.credentials()
        wrong = {"secret_key": "sk_test_wrong0123456789abcdef", "webhook_secret": "whsec_wrong0123456789"}
        live = {"secret_key": "sk_live_mixed0123456789abcdef", "webhook_secret": "whsec_mixed0123456789"}
        secrets = [right["secret_key"], right["webhook_secret"], *wrong.values(), *live.values()]
        odd = ["sk_test odd 0123456789abcdef", "odd_field_0123456789abcdef", "odd_url_0123456789abcdef"]
        set_account = "SELECT owo_provider_set(%s, %s)"

        # Calls that fail: the wrong environment, malformed, unknown fields, no such provider, no right.
        for credentials in (
            live,
            {"secret_key": odd[0], "webhook_secret": wrong["webhook_secret"]},
            {**wrong, odd[1]: wrong["secret_key"]},
            {**wrong, "base_url": f"http://{odd[2]}@127.0.0.1:1"},
            {**wrong, "base_url": f"ftp://127.0.0.1/{odd[2]}"},
            {"secret_key": [wrong["secret_key"]]},
            [wrong],
            wrong["secret_key"],
            {"file": wrong["secret_key"]},
            {"file": "/" + wrong["secret_key"]},
        ):
            assert attempt(session, errors, set_account, "stripe", json.dumps(credentials)) is None
        assert attempt(session, errors, set_account, "paypal", json.dumps(wrong)) is None
        assert attempt(session, errors, "SELECT owo_provider_set('stripe', %s, 'production')", json.dumps(wrong)) is None
        session.execute("CREATE ROLE beggar; GRANT pg_read_all_data TO beggar; SET ROLE beggar")
        assert attempt(session, errors, set_account, "stripe", json.dumps(wrong)) is None
        session.execute("RESET ROLE")
        # Within a function, whose context lines are told; the transaction fails after the call worked.
        session.execute(
            """CREATE FUNCTION wrap(credentials jsonb) RETURNS void LANGUAGE plpgsql AS $$
               BEGIN PERFORM owo_provider_set('stripe', credentials); RAISE EXCEPTION 'after all'; END $$"""
        )
        assert attempt(session, errors, "SELECT wrap(%s)", json.dumps(wrong)) is None
        assert attempt(session, errors, "SELECT wrap(%s)", json.dumps(live)) is None

        # A wrong key is told so by the provider; then the right one works.
        session.execute("SELECT owo_sync(%s)", (json.dumps({"plans": [{"slug": "pro", "name": "Pro", "price": 1000, "currency": "USD", "interval": "monthly"}]}),))
        assert attempt(session, errors, set_account, "stripe", json.dumps({**right, **wrong})) is not None
        attach = "SELECT code FROM owo_attach(%s, 'pro', '{\"email\": \"ada@example.test\"}', callback_url => 'https://shop.example.test/done', provider => 'stripe')"
        assert attempt(session, errors, attach, "ada")
        wait_for(lambda: [one for one in account.asked() if one.status == 401], "the wrong key was tried")
        wait_for(lambda: server.rows("SELECT id FROM owo.provider_account WHERE resting_until IS NOT NULL", database="shop"), "the account rests")
        assert attempt(session, errors, set_account, "stripe", json.dumps(right)) is not None
        wait_for(lambda: [one for one in account.asked() if one.status == 200], "the right key was used")
        wait_for(lambda: server.value("SELECT count(*) FROM owo.outbox WHERE state NOT IN ('done', 'dead')", database="shop") == 0, "all was sent")

        # Webhooks, genuine and not.
        account.webhooks.sink = None
        body = b'{"id":"evt_1","object":"event","type":"invoice.paid","created":1,"livemode":false,"data":{"object":{}}}'
        hook = "SELECT owo_webhook('stripe', %s, %s)"
        assert attempt(session, errors, hook, json.dumps({"stripe-signature": f"t=1,v1={wrong['webhook_secret']}"}), body) is None
        assert attempt(session, errors, hook, json.dumps({"authorization": f"Bearer {wrong['secret_key']}"}), body) is None
        attempt(session, errors, "SELECT owo_provider_adopt('stripe')")
        attempt(session, errors, "SELECT owo_worker_tick()")
        found = everything(server, "shop", errors)
        assert b"owo_provider_set" in found["log"] and b"provider_secret" in found["dump"]
        assert len(errors) > 10
        shown = [line for where, text in found.items() for line in hunt(where, text, secrets + odd[:1] + odd[2:])]
    assert shown == []
    assert server.alarms() == []


def test_credentials_in_a_file_show_nowhere_even_when_parameters_are_logged(server, tmp_path):
    """Where log_statement logs parameters too, credentials are named by file; the file is read at each use."""
    server.rows("ALTER SYSTEM SET log_statement = 'all'")
    server.rows("SELECT pg_reload_conf()")
    file = server.folder / "stripe.json"
    secrets = ["sk_test_file0123456789abcdef", "whsec_file0123456789", "whsec_next0123456789"]

    def write(mode: int = 0o600, **credentials):
        put(server, file, json.dumps(credentials), mode)

    errors: list[str] = []
    with server.connect("shop") as session:
        by_file = "SELECT credentials_file FROM owo_provider_set('stripe', %s)"
        name = json.dumps({"file": str(file)})
        write(secret_key=secrets[0], webhook_secret=secrets[1])
        assert attempt(session, errors, by_file, name) == [(str(file),)]
        assert session.execute("SELECT count(*) FROM owo.provider_secret").fetchone() == (0,)
        assert session.execute("SELECT problem FROM owo._provider_status()").fetchone() == (None,)
        # What is wrong with the file is told when it is used, and what it says counts at once.
        write(secret_key=secrets[0], webhook_secret=secrets[2])
        assert session.execute("SELECT problem FROM owo._provider_status()").fetchone() == (None,)
        write(0o604, secret_key=secrets[0], webhook_secret=secrets[1])
        assert "open to everybody" in session.execute("SELECT problem FROM owo._provider_status()").fetchone()[0]
        assert attempt(session, errors, by_file, name) is None
        write(secret_key=secrets[0])
        assert "cannot be used" in session.execute("SELECT problem FROM owo._provider_status()").fetchone()[0]
        file.write_text("{" + secrets[0])
        assert "JSON" in session.execute("SELECT problem FROM owo._provider_status()").fetchone()[0]
        assert attempt(session, errors, by_file, name) is None
        file.unlink()
        assert "missing" in session.execute("SELECT problem FROM owo._provider_status()").fetchone()[0]
        assert attempt(session, errors, "SELECT owo_webhook('stripe', '{}', 'x')") is None
        found = everything(server, "shop", errors)
        assert b"owo_provider_set" in found["log"]
        assert [line for where, text in found.items() for line in hunt(where, text, secrets)] == []


def keys(server) -> list[str]:
    return (server.folder / "data/owostack.key").read_text().split()


def test_the_key_is_made_once_and_rotates(server):
    """The file is the server's alone; a new first line seals from then on, a round seals anew, the old line may go."""
    file = server.folder / "data/owostack.key"
    assert not file.exists()
    secret_of = "SELECT key_id FROM owo.provider_secret"
    server.rows("SELECT owo_provider_set('paystack', '{\"secret_key\": \"sk_test_1\"}')", database="shop")
    about = file.stat()
    assert stat.S_IMODE(about.st_mode) == 0o600 and about.st_uid == (server.folder / "data").stat().st_uid
    assert [len(key) for key in keys(server)] == [64]
    assert list((server.folder / "data").glob("owostack.key*")) == [file]
    first, old = server.value(secret_of, database="shop"), keys(server)[0]
    server.rows("SELECT owo_provider_set('paystack', '{\"secret_key\": \"sk_test_2\"}')", database="shop")
    assert (server.value(secret_of, database="shop"), keys(server)) == (first, [old])

    problem = "SELECT problem FROM owo._provider_status()"
    file.write_text(f"# new since today\n{'ab' * 32}\n\n{old}\n")
    assert server.value(problem, database="shop") is None
    server.rows("SELECT owo_worker_tick()", database="shop")
    assert server.value(secret_of, database="shop") != first
    file.write_text("ab" * 32)
    assert server.value(problem, database="shop") is None
    # Without the key nothing opens; none is made in its place, and health tells.
    file.write_text("cd" * 32)
    assert "is not in the key file" in server.value(problem, database="shop")
    file.write_text("no key")
    assert "line 1 is not a key" in server.value(problem, database="shop")
    file.unlink()
    assert "missing" in server.value(problem, database="shop")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="missing"):
        server.rows("SELECT owo_provider_set('paystack', '{\"secret_key\": \"sk_test_3\"}')", database="shop")
    assert not file.exists()
    server.rows("SELECT owo_worker_tick()", database="shop")
    assert server.rows("SELECT topic FROM owo.health WHERE topic = 'provider_key'", database="shop") == [("provider_key",)]
    put(server, file, "ab" * 32)
    assert server.value(problem, database="shop") is None


def test_a_named_key_file_is_never_made(server):
    """Who names a file puts the key there: a forgotten mount must not lead to a key that the next start does not find."""
    named = server.folder / "elsewhere.key"
    server.rows(f"ALTER SYSTEM SET owostack.secret_key_file = '{named}'")
    server.cluster("restart")
    set_account = "SELECT owo_provider_set('paystack', '{\"secret_key\": \"sk_test_1\"}')"
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="missing"):
        server.rows(set_account, database="shop")
    assert not named.exists()
    put(server, named, "ef" * 32, 0o640)
    server.rows(set_account, database="shop")
    assert server.value("SELECT problem FROM owo._provider_status()", database="shop") is None
    assert not (server.folder / "data/owostack.key").exists()
    with pytest.raises(psycopg.errors.CantChangeRuntimeParam):
        server.rows("SET owostack.secret_key_file = '/tmp/other'", database="shop")
