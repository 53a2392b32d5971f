"""Errors that Postgres raises within our calls: their own texts, whatever the server's environment asks for."""

import psycopg
import pytest
from preloaded import Server


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("RUST_BACKTRACE", "1")
    server = Server("texts")
    server.shop("app")
    yield server
    server.destroy()


def test_an_error_of_the_server_shows_nothing_of_our_insides(server):
    with server.connect("app", autocommit=False) as holder, server.connect("app") as session:
        holder.execute("LOCK TABLE owo.customer")
        session.execute("SET lock_timeout = '10ms'")
        for call in ("owo_check('new', 'calls')", "owo_attach('acme', 'free')", "owo_entities('acme')"):
            # what an error of ours leaves behind is not appended either
            with pytest.raises(psycopg.errors.UndefinedObject):
                session.execute("SELECT owo_check('acme', 'nosuch')")
            with pytest.raises(psycopg.errors.LockNotAvailable) as raised:
                session.execute(f"SELECT {call}")
            assert raised.value.diag.message_detail is None
    assert "backtrace" not in server.log() and "panicking" not in server.log()
