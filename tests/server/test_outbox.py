"""Jobs for providers: sent once they are due, in their order, without an open transaction, and given up by people only."""

import psycopg
import pytest
from outbox import Json, Outbox, wait_for
from preloaded import Server


@pytest.fixture(scope="module")
def server():
    made = Server("outbox", owostack__http_timeout="2s", owostack__outbox_concurrency="64")
    yield made
    assert made.alarms() == []
    made.destroy()


@pytest.fixture
def stripe(server):
    made = Outbox(server)
    yield made
    made.close()
    server.rows(f'DROP DATABASE "{made.database}" WITH (FORCE)')


def test_a_job_is_sent_and_recorded(stripe):
    name = stripe.charge()
    row = stripe.done(name)
    assert (row["attempts"], row["is_sending"], row["error"]) == (0, False, None)
    assert stripe.moved(name) == 1


def test_a_job_that_rolls_back_is_never_sent(stripe):
    name = stripe.look(wake=False)
    with stripe.server.connect(stripe.database, autocommit=False) as session:
        session.execute("SELECT owo_queue_retry(%s)", [name])
        session.rollback()
    stripe.done(stripe.look())
    assert (stripe.state(name), len(stripe.fake.asked())) == ("queued", 1)


def test_jobs_of_a_lane_go_in_order(stripe):
    lane = str(stripe.customer_id)
    stripe.fake.fail("GET /v1/prices", "error", times=3)
    names = [stripe.look(lane=lane, wake=False) for _ in range(5)]
    for name in names:
        stripe.retry(name)
    for name in sorted(names):
        stripe.done(name)
        later = [other for other in names if other > name]
        assert all(stripe.row(other)["attempts"] == 0 for other in later)


def test_many_calls_are_under_way_without_a_transaction(stripe):
    stripe.fake.fail("GET /v1/prices", "hang", times=50, detail=1.5)
    names = [stripe.look(wake=False) for _ in range(50)]
    for name in names:
        stripe.retry(name)
    wait_for(lambda: len(stripe.fake.asked("GET /v1/prices")) >= 50, "fifty requests have come")
    running = stripe.value("SELECT count(*) FROM owo.outbox WHERE state = 'running'")
    worker = stripe.rows(
        "SELECT state, xact_start, backend_xmin FROM pg_stat_activity WHERE backend_type = 'owostack worker' AND datname = current_database()"
    )
    assert running >= 20
    assert [row[1:] for row in worker if row[0] == "idle"] == [(None, None)] * len([row for row in worker if row[0] == "idle"])
    for name in names:
        stripe.done(name)


def test_nothing_is_sent_from_a_database_that_is_not_bound(stripe):
    stripe.rows("UPDATE owo.provider_binding SET database_oid = 1")
    rounds = "SELECT rounds FROM owo.worker_status"
    before = stripe.value(rounds)
    name = stripe.look()
    stripe.rows("SELECT owo_worker_tick()")
    wait_for(lambda: stripe.value(rounds) > before, "the worker has looked")
    assert stripe.fake.asked() == []
    status = stripe.rows("SELECT provider, kind, state, jobs, advice FROM owo.queue_status")
    assert status[0][:4] == ("stripe", "import_plans", "queued", 1) and "owo_provider_adopt" in status[0][4]
    assert stripe.value("SELECT count(*) FROM owo.health WHERE topic = 'queue'") == 1
    stripe.rows("SELECT owo_provider_set('stripe', %s)", Json(stripe.fake.credentials()))
    stripe.done(name)


def test_nothing_is_sent_while_it_is_switched_off(server, stripe):
    server.rows("ALTER SYSTEM SET owostack.outbox = off")
    server.rows("SELECT pg_reload_conf()")
    try:
        wait_for(lambda: stripe.value("SHOW owostack.outbox") == "off", "the setting has arrived")
        rounds = stripe.value("SELECT rounds FROM owo.worker_status")
        name = stripe.look()
        wait_for(lambda: stripe.value("SELECT rounds FROM owo.worker_status") > rounds, "the worker has done a round")
        assert (stripe.fake.asked(), stripe.state(name)) == ([], "queued")
        assert "owostack.outbox" in stripe.value("SELECT advice FROM owo.queue_status")
    finally:
        server.rows("ALTER SYSTEM RESET owostack.outbox")
        server.rows("SELECT pg_reload_conf()")
    wait_for(lambda: stripe.value("SHOW owostack.outbox") == "on", "the setting has arrived")
    stripe.done(name)


def test_an_account_whose_key_is_refused_rests(stripe):
    right = stripe.fake.credentials()
    stripe.rows("SELECT owo_provider_set('stripe', %s)", Json({**right, "secret_key": "sk_test_wrong"}))
    name = stripe.look()
    row = stripe.reaches(name, "failed")
    assert (row["attempts"], row["error_status"]) == (0, 401)
    other = stripe.look()
    (until, reason) = stripe.rows("SELECT resting_until > now() + interval '9 minutes', resting_reason FROM owo.provider_account")[0]
    assert until and "refuses the key" in reason and "sk_test" not in reason
    assert "owo_provider_set" in stripe.value("SELECT advice FROM owo.queue_status LIMIT 1")
    assert stripe.state(other) == "queued"
    stripe.rows("SELECT owo_provider_set('stripe', %s)", Json(right))
    stripe.done(name)
    stripe.done(other)
    assert len([request for request in stripe.fake.requests if request.status == 401]) == 1


def test_a_dead_job_waits_for_a_person(stripe):
    name = stripe.enqueue({"job": "fetch", "object": {"kind": "subscription", "id": "sub_unknown"}}, {"fetch": {"kind": "subscription", "id": "sub_unknown"}}, wake=False)
    waiting = stripe.look(wake=False)
    stripe.rows("UPDATE owo.outbox SET state = 'waiting', waits_for = %s WHERE id = %s", name, waiting)
    stripe.retry(name)
    row = stripe.reaches(name, "dead")
    assert row["closed_at"] and row["error_status"] == 404
    follower = stripe.reaches(waiting, "dead")
    assert follower["error_code"] == "dependency_is_dead" and "what it needs failed" in follower["error"]
    with pytest.raises(psycopg.errors.UndefinedObject):
        stripe.retry("00000000-0000-7000-8000-000000000001")
    with pytest.raises(psycopg.errors.NullValueNotAllowed):
        stripe.rows("SELECT owo_queue_drop(%s, NULL)", name)
    assert {state for (state,) in stripe.rows("SELECT state FROM owo.queue_status")} == {"dead"}
    stripe.rows("SELECT owo_queue_drop(%s, 'a typing mistake')", name)
    row = stripe.row(name)
    assert (row["state"], row["error"], row["error_code"]) == ("done", "a typing mistake", "dropped")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        stripe.retry(name)
    stripe.rows("SELECT owo_queue_drop(%s, 'with it')", waiting)
    assert stripe.rows("SELECT * FROM owo.queue_status") == []


def test_a_reader_sees_what_waits_and_changes_nothing(stripe):
    stripe.rows("DROP ROLE IF EXISTS watcher")
    stripe.rows("CREATE ROLE watcher LOGIN")
    stripe.rows("SELECT owo_grant_role('watcher', 'reader')")
    name = stripe.look(wake=False)
    with stripe.server.connect(stripe.database, "watcher") as session:
        status = session.execute("SELECT organization, provider, environment, kind, state, jobs, attempts, advice FROM owo.queue_status").fetchall()
        assert status == [("default", "stripe", "test", "import_plans", "queued", 1, 0, None)]
        assert session.execute("SELECT count(*) FROM owo.health WHERE topic = 'queue'").fetchone() == (0,)
        for call in ("owo_queue_retry(%s)", "owo_queue_drop(%s, 'no')"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(f"SELECT {call}", [name])
    stripe.rows("DROP OWNED BY watcher")
    stripe.rows("DROP ROLE watcher")


def test_a_retry_goes_on_where_the_job_stopped(stripe):
    stripe.fake.fail("POST /v1/payment_intents", "reset_after", times=1)
    name = stripe.charge()
    stripe.reaches(name, "failed")
    stripe.rows("UPDATE owo.outbox SET attempts = 25, next_at = now() + interval '1 day' WHERE id = %s", name)
    stripe.fake.fail("* /v1/payment_intents", "error", times=1)
    stripe.rows("UPDATE owo.outbox SET next_at = now() WHERE id = %s", name)
    stripe.look()
    stripe.reaches(name, "dead")
    assert stripe.moved(name) == 1
    stripe.retry(name)
    stripe.done(name)
    assert stripe.moved(name) == 1


def test_done_jobs_are_deleted_after_a_month(stripe):
    name = stripe.look()
    stripe.done(name)
    stripe.rows("UPDATE owo.outbox SET closed_at = now() - interval '29 days' WHERE id = %s", name)
    stripe.rows("SELECT owo_worker_tick()")
    assert stripe.state(name) == "done"
    stripe.rows("UPDATE owo.outbox SET closed_at = now() - interval '31 days' WHERE id = %s", name)
    stripe.rows("SELECT owo_worker_tick()")
    assert stripe.rows("SELECT id FROM owo.outbox") == []


SHOP = """SELECT owo_sync('{"plans": [{"slug": "pro", "name": "Pro", "price": 2900, "currency": "USD", "interval": "monthly"}]}')"""
CALL = "CALL owo_checkout('acme', 'pro', customer_data => '{\"email\": \"ada@example.test\"}', callback_url => 'https://app.example.test/', provider => 'stripe', wait => %s)"


def test_a_checkout_waits_for_its_address(stripe):
    stripe.rows(SHOP)
    stripe.rows("SELECT owo_customer('acme', email => 'ada@example.test')")
    (checkout, url, status) = stripe.rows(CALL, "20 s")[0]
    assert (url, status) == (list(stripe.fake.checkouts.values())[-1].url, "open")
    # asked again, it is the same page, at once
    assert stripe.rows(CALL, "0 s") == [(checkout, url, "open")]
    assert len(stripe.fake.checkouts) == 1
    for state, kind in stripe.rows("SELECT state, kind FROM owo.outbox"):
        assert state == "done", kind


def test_a_checkout_that_gets_no_address_in_time_is_pending(stripe):
    stripe.rows(SHOP)
    stripe.rows("SELECT owo_customer('acme', email => 'ada@example.test')")
    stripe.fake.fail("*", "error", times=100)
    (checkout, url, status) = stripe.rows(CALL, "300 ms")[0]
    assert checkout and (url, status) == (None, "pending")
    stripe.fake.faults.clear()
    name = stripe.value("SELECT id FROM owo.outbox WHERE kind = 'open_checkout'")
    stripe.done(name)
    assert stripe.value("SELECT url IS NOT NULL FROM owo_checkout_get(%s)", checkout)


def test_a_checkout_in_a_transaction_block_attaches_nothing(stripe):
    stripe.rows(SHOP)
    with stripe.server.connect(stripe.database, autocommit=False) as session:
        session.execute("SELECT 1")
        with pytest.raises(psycopg.errors.InvalidTransactionTermination):
            session.execute(CALL, ["1 s"])
        session.rollback()
    assert stripe.value("SELECT count(*) FROM owo.checkout") == 0
