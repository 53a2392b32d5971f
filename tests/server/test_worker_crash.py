"""What ends processes and servers ends no work: kills, crashes, restarts, a standby's promotion, too few processes."""

import os
import signal
import subprocess
import time

import pytest
from preloaded import Server, wait_for


@pytest.fixture
def make_server():
    made = []

    def make(name, **settings) -> Server:
        made.append(Server(name, **settings))
        return made[-1]

    yield make
    for server in made:
        server.destroy()


def test_killed_processes_come_back(make_server):
    server = make_server("killed")
    server.shop("shop")
    server.folded("shop")

    # a polite end: the next commit brings it back
    worker = wait_for(lambda: server.workers("shop"))[0]
    assert server.value("SELECT pg_terminate_backend(%s)", worker)
    wait_for(lambda: worker not in server.workers("shop"))
    server.track("shop")
    server.folded("shop")

    # the launcher is replaced by the server; the worker does not mind
    launcher = server.launcher()
    assert server.value("SELECT pg_terminate_backend(%s)", launcher)
    server.track("shop")
    server.folded("shop")
    wait_for(lambda: server.launcher() not in (None, launcher), "a new launcher")
    assert len(server.workers("shop")) <= 1
    server.shop("second")
    server.folded("second")

    # kill -9 has the server start over; afterwards everything goes on by itself
    for victim in (lambda: server.workers("shop"), lambda: [server.launcher()]):
        server.track("shop")
        restarts = server.log().count("reinitializing")
        os.kill(wait_for(victim)[0], signal.SIGKILL)
        wait_for(lambda: server.log().count("reinitializing") > restarts, "the server starts over")
        wait_for(server.is_up, "the server is back")
        server.folded("shop")
    assert server.alarms() == []


def test_a_crash_of_the_server_loses_nothing(make_server):
    server = make_server("crashed", owostack__worker_naptime_ms="60000")
    server.shop("shop")
    wait_for(lambda: server.status("shop")["rounds"], "a first round")
    server.track("shop", 5)
    assert server.pending("shop") > 0
    server.cluster("crash")
    server.cluster("start")
    server.folded("shop")
    assert server.value("SELECT sum(quantity) FROM owo.usage", database="shop") == 6
    assert server.alarms() == []


def test_a_stop_is_quick(make_server):
    server = make_server("stopped")
    server.shop("shop")
    with server.connect("shop") as session:
        session.execute("SELECT count(owo_track('acme', 'calls')) FROM generate_series(1, 1000)")
    began = time.monotonic()
    server.cluster("stop")
    assert time.monotonic() - began < 3
    server.cluster("start")
    server.folded("shop")
    assert server.value("SELECT sum(quantity) FROM owo.usage", database="shop") == 1001


def test_nothing_runs_on_a_standby_until_it_is_promoted(make_server):
    primary = make_server("primary", owostack__worker="off")
    primary.shop("shop")
    standby = make_server("standby", of=primary, owostack__worker="on")
    wait_for(lambda: standby.pending("shop") == 1, "the standby has caught up")
    assert standby.launcher() is None and standby.workers() == []
    assert standby.status("shop")["state"] == "standby"
    assert standby.value("SELECT (owo_check('acme', 'calls')).code", database="shop") == "access_granted"
    primary.cluster("stop")
    standby.cluster("promote")
    standby.folded("shop")
    standby.track("shop")
    standby.folded("shop")
    assert standby.value("SELECT sum(quantity) FROM owo.usage", database="shop") == 2
    assert standby.alarms() == []


def test_a_server_without_free_processes_says_so_once(make_server):
    # one for the launcher, one for logical replication's
    server = make_server("full", max_worker_processes="2")
    server.shop("shop")
    status = wait_for(lambda: (status := server.status("shop"))["state"] == "waiting" and status, "the worker waits")
    assert "max_worker_processes" in status["advice"]
    assert server.rows("SELECT topic, hint FROM owo.health", database="shop") == [("worker", status["advice"])]
    server.shop("second")
    wait_for(lambda: server.status("second")["state"] == "waiting", "the other one waits too")
    told = [line for line in server.log().splitlines() if "no background process is free" in line]
    assert len(told) == 1 and "53400" in told[0]
    for name in ("shop", "second"):
        server.rows("SELECT owo_worker_tick()", database=name)
        server.folded(name)


def test_databases_take_turns_when_processes_are_few(make_server):
    server = make_server("turns", max_worker_processes="3")
    names = ["shop", "second", "third"]
    for name in names:
        server.shop(name)
    for _ in range(2):
        for name in names:
            server.folded(name)
            server.track(name)


def test_nothing_runs_in_a_binary_upgrade(make_server):
    server = make_server("upgraded")
    server.shop("shop")
    server.cluster("stop")
    control = [os.path.join(os.environ["BIN"], "pg_ctl"), "-D", str(server.folder / "data"), "-w", "-l", str(server.folder / "log")]
    if os.getuid() == 0:
        control = ["runuser", "-u", "postgres", "--", *control]
    subprocess.run([*control, "-o", "-b", "start"], check=True, stdout=subprocess.DEVNULL, cwd="/")
    assert server.launcher() is None and server.workers() == []
    subprocess.run([*control, "stop"], check=True, stdout=subprocess.DEVNULL, cwd="/")
