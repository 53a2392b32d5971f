"""The background worker in the ordinary course of things: folding, dates, settings, errors, rest."""

import threading
import time

import psycopg
import pytest
from preloaded import Server, wait_for


@pytest.fixture(scope="module")
def server():
    server = Server("worker")
    yield server
    alarms = server.alarms()
    server.destroy()
    assert alarms == []


@pytest.fixture
def shop(server, request):
    name = request.node.name.removeprefix("test_")[:60]
    server.shop(name)
    yield name
    server.rows(f'DROP DATABASE IF EXISTS "{name}"')


def set_setting(server, name, value):
    server.rows(f"ALTER SYSTEM SET {name} = {value}")
    server.rows("SELECT pg_reload_conf()")


def make_due(server, shop, key="acme"):
    """Moves a customer's subscription back in time, so that its period ended a second ago."""
    server.rows(
        """UPDATE owo.subscription
              SET period_start = period_start - late, anchor_at = anchor_at - late, started_at = started_at - late,
                  period_end = period_end - late, due_at = period_end - late
             FROM (SELECT id AS subscription, period_end - now() + interval '1 second' AS late FROM owo.subscription) AS x
            WHERE id = subscription AND customer_id = (SELECT id FROM owo.customer WHERE key = %s)""",
        key,
        database=shop,
    )


def is_renewed(server, shop, key="acme"):
    return server.value(
        "SELECT bool_and(period_end > now()) FROM owo.subscription"
        " WHERE customer_id = (SELECT id FROM owo.customer WHERE key = %s)",
        key,
        database=shop,
    )


def test_usage_is_folded_by_itself(server, shop):
    server.folded(shop)
    server.track(shop, 41)
    server.folded(shop)
    assert server.value("SELECT sum(quantity) FROM owo.usage", database=shop) == 42
    status = server.status(shop)
    assert (status["state"], status["advice"], status["errors"]) == ("running", None, 0)
    assert server.rows("SELECT * FROM owo.health", database=shop) == []
    assert status["pid"] in server.workers(shop)
    assert status["folded"] == 2


def test_a_rolled_back_track_wakes_nobody(server, shop):
    server.folded(shop)
    before, rounds = None, server.status(shop)["rounds"]
    while rounds != before:
        time.sleep(0.3)  # a worker with something to do would have done it
        before, rounds = rounds, server.status(shop)["rounds"]
    with server.connect(shop, autocommit=False) as session:
        session.execute("SELECT owo_track('acme', 'calls')")
        session.rollback()
    time.sleep(0.3)
    assert server.status(shop)["rounds"] == rounds


def test_dates_become_rows_by_themselves(server, shop):
    server.folded(shop)
    soonest = server.value("SELECT min(due_at) FROM owo.subscription", database=shop)
    wait_for(lambda: server.status(shop)["next_due_at"] == soonest, "the next date is known")
    make_due(server, shop)
    server.rows("SELECT owo_customer('zeta')", database=shop)
    wait_for(lambda: is_renewed(server, shop), "the period is renewed")


def test_a_customer_that_somebody_works_on_holds_up_nobody(server, shop):
    server.rows("SELECT owo_customer('zeta')", database=shop)
    with server.connect(shop, autocommit=False) as busy:
        busy.execute("SELECT owo_track('acme', 'calls')")
        make_due(server, shop)
        make_due(server, shop, "zeta")
        server.rows("SELECT owo_customer('third')", database=shop)
        wait_for(lambda: is_renewed(server, shop, "zeta"), "the free customer is settled")
        assert not is_renewed(server, shop)
        busy.rollback()
    wait_for(lambda: is_renewed(server, shop), "the busy one is settled afterwards")
    assert server.status(shop)["errors"] == 0


def test_an_error_costs_one_batch_and_is_logged_once(server, shop):
    server.folded(shop)
    server.rows(
        """CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS
           $$BEGIN RAISE EXCEPTION 'sums are closed today'; END$$""",
        database=shop,
    )
    server.rows(
        "CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON owo.meter_period FOR EACH ROW EXECUTE FUNCTION public.refuse()",
        database=shop,
    )
    server.track(shop)
    make_due(server, shop)
    server.rows("SELECT owo_customer('zeta')", database=shop)
    status = wait_for(lambda: (status := server.status(shop))["errors"] >= 2 and status, "two rounds have failed")
    assert (status["state"], status["last_error"]) == ("failing", "sums are closed today")
    assert status["advice"] and status["pid"]
    assert is_renewed(server, shop), "dates are settled all the same"
    health = server.rows("SELECT topic, message FROM owo.health", database=shop)
    assert [topic for topic, _ in health] == ["worker"] and "sums are closed today" in health[0][1]
    told = [line for line in server.log().splitlines() if "sums are closed today" in line and "WARNING" in line]
    assert len(told) == 1 and f'in database "{shop}"' in told[0] and "P0001" in told[0]
    server.rows("DROP TRIGGER refuse ON owo.meter_period", database=shop)
    server.folded(shop)
    wait_for(lambda: server.status(shop)["state"] == "running", "all is well again")


def test_one_failing_customer_holds_up_nobody(server, shop):
    server.rows("SELECT owo_customer('zeta')", database=shop)
    server.folded(shop)
    server.rows(
        """CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS
           $$BEGIN RAISE EXCEPTION 'not this one'; END$$""",
        database=shop,
    )
    make_due(server, shop)
    make_due(server, shop, "zeta")
    server.rows(
        """CREATE TRIGGER refuse BEFORE UPDATE ON owo.subscription FOR EACH ROW
           WHEN (OLD.customer_id = owo_customer_id()) EXECUTE FUNCTION public.refuse()""".replace(
            "owo_customer_id()", "'{}'".format(server.value("SELECT id FROM owo.customer WHERE key = 'acme'", database=shop))
        ),
        database=shop,
    )
    server.rows("SELECT owo_customer('third')", database=shop)
    wait_for(lambda: is_renewed(server, shop, "zeta"), "the other customer is settled")
    server.track(shop, customer="zeta")
    server.folded(shop)
    error = wait_for(lambda: server.status(shop)["last_error"], "the error is shown")
    assert "not this one" in error and server.status(shop)["state"] == "running"


def test_texts_of_errors_are_for_administrators(server, shop):
    server.rows("DROP ROLE IF EXISTS worker_reader")
    server.rows("CREATE ROLE worker_reader LOGIN")
    server.rows("SELECT owo_grant_role('worker_reader', 'reader')", database=shop)
    server.folded(shop)
    server.rows("ALTER TABLE owo.usage_daily RENAME TO gone", database=shop)
    server.track(shop)
    wait_for(lambda: server.status(shop)["last_error"], "a round failed")
    status = server.status(shop, role="worker_reader")
    assert (status["state"], status["last_error"]) == ("failing", None)
    server.rows("ALTER TABLE owo.gone RENAME TO usage_daily", database=shop)
    server.rows("DROP OWNED BY worker_reader", database=shop)


def test_another_version_of_the_extension_is_left_alone(server, shop):
    """New SQL objects under an old library, or the reverse: nothing is touched, and somebody is told."""
    server.folded(shop)
    server.rows("UPDATE pg_extension SET extversion = '99.0' WHERE extname = 'owostack'", database=shop)
    server.track(shop)
    status = wait_for(lambda: (status := server.status(shop))["last_error"] and status, "the round failed")
    assert "99.0" in status["last_error"] and server.pending(shop) == 1
    server.rows("UPDATE pg_extension SET extversion = owo_version() WHERE extname = 'owostack'", database=shop)
    server.folded(shop)


def test_settings_are_reread(server, shop):
    server.folded(shop)
    try:
        set_setting(server, "owostack.worker", "off")
        wait_for(lambda: not server.workers(), "workers leave")
        server.track(shop)
        status = server.status(shop)
        assert status["state"] == "off" and "owo_worker_tick()" in status["advice"]
        assert server.value("SELECT owo_worker_tick() ->> 'folded'", database=shop) == "1"
        server.track(shop)
    finally:
        set_setting(server, "owostack.worker", "on")
    server.folded(shop)


def test_an_idle_worker_leaves_and_comes_back(server, shop):
    server.folded(shop)
    try:
        set_setting(server, "owostack.worker_idle_s", "1")
        wait_for(lambda: not server.workers(shop), "the idle worker leaves")
        status = server.status(shop)
        assert (status["state"], status["advice"], status["pid"]) == ("resting", None, None)
        assert status["next_due_at"] is not None
        server.track(shop)
        server.folded(shop)
    finally:
        set_setting(server, "owostack.worker_idle_s", "60")


def test_what_a_database_sets_does_not_matter(server, shop):
    server.folded(shop)
    for setting in (
        "default_transaction_isolation = 'serializable'",
        "default_transaction_read_only = on",
        "session_replication_role = replica",
        "search_path = public",
        "statement_timeout = '1ms'",
        "owostack.organization = 'nobody'",
        "timezone = 'Pacific/Auckland'",
        "datestyle = 'SQL, DMY'",
    ):
        server.rows(f'ALTER DATABASE "{shop}" SET {setting}')
    server.rows("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", server.workers(shop))
    with server.connect(shop, options="-c default_transaction_read_only=off -c statement_timeout=0 -c owostack.organization=default"
                        " -c session_replication_role=origin") as session:
        assert session.execute("SELECT (owo_track('acme', 'calls')).code").fetchone() == ("tracked",)
        last_month = "date_trunc('month', now(), 'UTC') - interval '1 hour'"
        session.execute("SELECT owo_track('acme', 'calls', occurred_at => {})".format(last_month))
        wait_for(lambda: session.execute("SELECT count(*) FROM owo.usage_pending").fetchone() == (0,), "folded")
        assert session.execute("SELECT errors FROM owo.worker_status").fetchone() == (0,)
        session.execute("SET timezone = UTC; SET datestyle = ISO")
        bounds = session.execute(
            "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relispartition AND relname LIKE 'usage\\_event\\_____\\___'"
        ).fetchall()
        assert len(bounds) == 2 and all(bound.count("-01 00:00:00+00'") == 2 for (bound,) in bounds), bounds


def test_the_fold_keeps_up_and_stops_nothing(server, shop):
    """Eight sessions track as fast as they can while a worker folds, and go on while a fold is not committed."""
    over, done, failures = threading.Event(), [0] * 8, []

    def track(number):
        try:
            with server.connect(shop) as session:
                while not over.is_set():
                    session.execute("SELECT owo_track(%s, 'calls', customer_data => '{}')", (f"c{number}",))
                    done[number] += 1
        except psycopg.Error as error:
            failures.append(error)

    def everybody_tracks(what: str):
        before = list(done)
        wait_for(lambda: failures or all(now > then + 20 for now, then in zip(done, before)), what)

    threads = [threading.Thread(target=track, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    try:
        everybody_tracks("everybody tracks")
        folded = server.status(shop)["folded"]
        wait_for(lambda: server.status(shop)["folded"] > folded, "the worker folds meanwhile")
        with server.connect(shop, autocommit=False) as session:
            # The worker may be faster.
            wait_for(lambda: session.execute("SELECT (owo_worker_tick() ->> 'folded')::int").fetchone()[0], "a fold of our own")
            everybody_tracks("nobody waits for a fold that is not committed")
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert failures == []
    server.folded(shop)
    assert server.value("SELECT sum(quantity) FROM owo.usage WHERE customer <> 'acme'", database=shop) == sum(done)
    assert server.status(shop)["errors"] == 0


def test_workers_that_stay_keep_no_other_database_waiting(server):
    """Two workers that were the first in their databases and have not left yet: the third database gets its own at once."""
    names = [f"crowd_{number}" for number in range(4)]
    try:
        for name in names:
            server.shop(name)
            server.folded(name)
        assert all(server.workers(name) for name in names)
    finally:
        for name in names:
            server.rows(f'DROP DATABASE IF EXISTS "{name}"')
