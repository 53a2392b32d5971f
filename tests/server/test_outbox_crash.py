"""Crashes at every step of a job: whatever ends the worker or the server, money moves once."""

import fnmatch
import os
import signal

import pytest
from outbox import Outbox, wait_for
from preloaded import Server

import fake

# The request that moves the money.
PATHS = {"stripe": "POST /v1/payment_intents", "paystack": "POST /transaction/charge_authorization", "dodo": "POST /checkouts",
         "polar": "POST /v1/orders/*/finalize"}


def kill_worker(outbox: Outbox):
    """The server starts over, as it does whenever one of its processes dies like that."""
    restarts = outbox.server.log().count("reinitializing")
    os.kill(wait_for(lambda: outbox.server.workers(outbox.database))[0], signal.SIGKILL)
    wait_for(lambda: outbox.server.log().count("reinitializing") > restarts, "the server starts over")
    wait_for(outbox.server.is_up, "the server is back")


def crash_server(outbox: Outbox):
    outbox.server.cluster("crash")
    outbox.server.cluster("start")


def terminate_worker(outbox: Outbox):
    outbox.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'owostack worker' AND datname = current_database()")


# Every end for one provider; for the others, whose requests differ, the hardest.
CASES = [("stripe", kill_worker), ("stripe", terminate_worker), *((provider, crash_server) for provider in fake.PROVIDERS)]


@pytest.fixture(scope="module")
def server():
    # what is on disk is what survives: nothing here relies on a lucky cache
    made = Server("outbox-crash", owostack__http_timeout="20s", fsync="on", synchronous_commit="off")
    yield made
    assert made.alarms() == []
    made.destroy()


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{case[1].__name__}")
def case(server, request):
    provider, end = request.param
    made = Outbox(server, provider)
    yield made, end
    made.close()
    server.rows(f'DROP DATABASE "{made.database}" WITH (FORCE)')


def charges(outbox: Outbox) -> list:
    return [request for request in outbox.fake.requests if fnmatch.fnmatchcase(request.name, PATHS[outbox.provider])]


def test_before_anything_was_sent(case):
    outbox, end = case
    name = outbox.charge(wake=False)
    end(outbox)
    outbox.retry(name)
    outbox.done(name)
    assert outbox.moved(name) == 1


@pytest.mark.parametrize("effect", ["hang", "hang_after"])
def test_while_a_request_is_on_its_way(case, effect):
    outbox, end = case
    outbox.fake.fail(PATHS[outbox.provider], effect, times=1)
    name = outbox.charge()
    wait_for(lambda: charges(outbox), "the request has come")
    wait_for(lambda: outbox.moved(name) == (effect == "hang_after"), "the provider has acted, where it does")
    row = outbox.row(name)
    assert (row["state"], row["is_sending"]) == ("running", True)
    end(outbox)
    row = outbox.row(name)
    assert (row["state"], row["is_sending"]) == ("running", True), "flushed before it was sent"
    outbox.end_leases()
    outbox.done(name)
    assert outbox.moved(name) == 1


def test_before_the_answer_was_recorded(case):
    outbox, end = case
    name = outbox.charge(wake=False)
    known = len(outbox.fake.requests)
    with outbox.fake.lock:
        outbox.retry(name)
        outbox.reaches(name, "running")
        # somebody's lock on the row keeps the answer from being recorded
        session = outbox.server.connect(outbox.database, autocommit=False)
        session.execute("SELECT 1 FROM owo.outbox WHERE id = %s FOR SHARE", [name])
    wait_for(lambda: outbox.fake.requests[known:] and outbox.fake.requests[known].status, "an answer was given")
    # where it takes several requests, that was the first
    assert outbox.moved(name) == (outbox.provider != "polar")
    end(outbox)
    session.close()
    assert outbox.state(name) == "running"
    outbox.end_leases()
    outbox.done(name)
    assert outbox.moved(name) == 1
