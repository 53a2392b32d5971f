"""The customer's lock under the shared engine: takes share it on boards of their own, a change of plan has it alone."""

import threading

import psycopg
import pytest
from preloaded import SHOP, Server, wait_for

TEAM = """
SELECT owo_sync('{"features": [{"slug": "calls", "type": "metered"}],
  "plans": [{"slug": "team", "price": 0, "planGroup": "main", "rank": 1, "features": [{"slug": "calls", "limit": 2000000}]}]}')
"""
TRACK = "SELECT usage FROM owo_track('acme', 'calls')"
ATTACH = "SELECT code FROM owo_attach('acme', 'team')"


@pytest.fixture
def server():
    server = Server("boards", deadlock_timeout="100ms")
    server.rows("CREATE EXTENSION owostack")
    server.rows(SHOP)
    server.rows(TEAM)
    server.rows("SELECT owo_customer('acme')")
    yield server
    assert server.rows("SELECT * FROM owo_verify()") == []
    server.cluster("destroy")


class Attaching(threading.Thread):
    """Puts the customer on the larger plan, beside the test."""

    def __init__(self, server: Server):
        super().__init__(daemon=True)
        self.session = server.connect()
        self.pid = self.session.info.backend_pid
        self.outcome = None
        self.start()
        waits = f"SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = {self.pid}"
        wait_for(lambda: server.value(waits), "the change to wait")

    def run(self):
        try:
            self.outcome = self.session.execute(ATTACH).fetchone()[0]
        except psycopg.Error as error:
            self.outcome = error.sqlstate
        self.session.close()

    def result(self):
        self.join(30)
        return self.outcome


def open_tracks(server: Server, count: int) -> list[psycopg.Connection]:
    sessions = [server.connect(autocommit=False) for _ in range(count)]
    for session in sessions:
        session.execute(TRACK)
    return sessions


def test_a_change_waits_for_the_tracks_of_every_session(server):
    sessions = open_tracks(server, 12)
    change = Attaching(server)
    for number, session in enumerate(sessions):
        assert change.outcome is None
        session.commit() if number % 2 else session.rollback()
    assert change.result() == "attached"
    assert server.rows("SELECT usage, usage_limit FROM owo_check('acme', 'calls')") == [(6, 2_000_000)]


def test_who_waits_for_whom_is_seen_by_everybody(server):
    [tracker] = open_tracks(server, 1)
    change = Attaching(server)
    blockers = server.value("SELECT pg_blocking_pids(%s)", change.pid)
    assert blockers == [tracker.info.backend_pid]
    tracker.commit()
    assert change.result() == "attached"


def test_two_that_share_and_want_alone_are_told_of_the_deadlock(server):
    one, other = open_tracks(server, 2)
    outcomes = []

    def attach(session):
        try:
            outcomes.append(session.execute(ATTACH).fetchone()[0])
            session.commit()
        except psycopg.errors.DeadlockDetected as error:
            outcomes.append(error.sqlstate)
            session.rollback()

    threads = [threading.Thread(target=attach, args=(session,), daemon=True) for session in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["40P01", "attached"]
    assert server.value("SELECT usage FROM owo_check('acme', 'calls')") == 1


def test_a_session_that_is_terminated_keeps_nobody_out(server):
    [tracker] = open_tracks(server, 1)
    change = Attaching(server)
    server.rows(f"SELECT pg_terminate_backend({change.pid})")
    assert change.result() == "57P01"
    # nobody wants the customer any more
    assert server.value(TRACK) == 2
    server.rows(f"SELECT pg_terminate_backend({tracker.info.backend_pid})")
    assert wait_for(lambda: server.value("SELECT usage FROM owo_check('acme', 'calls')") == 1)
    assert server.value(ATTACH) == "attached"
