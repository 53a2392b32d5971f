"""What hostile or unlucky sessions meet: listeners, other encodings, rights that change under an open session."""

import json
import os
import threading

import psycopg
import pytest

CATALOG = json.dumps(
    {
        "features": [{"slug": "calls"}],
        "plans": [{"slug": "base", "autoEnable": True, "features": [{"slug": "calls", "limit": None}]}],
    }
)


def refused(session, query, *arguments):
    """The SQLSTATE with which a statement fails."""
    with pytest.raises(psycopg.Error) as caught:
        session.execute(query, arguments or None)
    return caught.value.sqlstate


def test_a_listener_without_rights_learns_ids_only(database):
    database.rows("SELECT owo_sync(%s)", CATALOG, role="owo_admin")
    with database.connect("owo_nobody") as spy, database.connect() as app:
        spy.execute("LISTEN owostack")
        app.execute("SELECT owo_customer('secret key', 'secret@x.test', 'Secret Name', '{\"secret\": true}')")
        heard = list(spy.notifies(timeout=10, stop_after=2))
        assert {json.loads(each.payload)["type"] for each in heard} >= {"customer.created"}
        for each in heard:
            assert set(json.loads(each.payload)) == {"type", "organization", "customer", "id"}
            assert "secret" not in each.payload.lower()
        customer = json.loads(heard[0].payload)["customer"]
        assert refused(spy, "SELECT data FROM owo.event") == "42501"
        assert refused(spy, "SELECT owo_check(%s, 'calls')", customer) == "42501"
        # a forged notification is a text like any other
        before = database.value("SELECT count(*) FROM owo.event", role="owo_admin")
        spy.execute("SELECT pg_notify('owostack', '{\"type\": \"subscription.canceled\"}')")
        assert database.value("SELECT count(*) FROM owo.event", role="owo_admin") == before


def test_notifications_can_be_switched_off_by_a_superuser_only(database):
    with database.connect() as app, database.connect("postgres") as listener:
        app.execute("SELECT owo_version()")
        assert refused(app, "SET owostack.notify = off") == "42501"
        listener.execute("LISTEN owostack")
        with database.connect("postgres") as quiet:
            quiet.execute("SELECT owo_version()")
            quiet.execute("SET owostack.notify = off")
            quiet.execute("SELECT owo_customer('quiet')")
        assert list(listener.notifies(timeout=0.2)) == []
    # nor by asking before the library is there, where it comes with the first call
    with database.connect() as early:
        try:
            early.execute("SET owostack.notify = off")
        except psycopg.errors.InsufficientPrivilege:
            pass
        early.execute("SELECT owo_version()")
        assert early.execute("SHOW owostack.notify").fetchone() == ("on",)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1", "EUC_JP"])
def test_a_database_of_another_encoding_is_refused(database, encoding):
    name = f"security_{encoding.lower()}"
    with psycopg.connect(host=os.environ["PGHOST"], user="postgres", dbname="postgres", autocommit=True) as session:
        session.execute(f"DROP DATABASE IF EXISTS {name}")
        session.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
        try:
            with psycopg.connect(host=os.environ["PGHOST"], user="postgres", dbname=name, autocommit=True) as other:
                assert refused(other, "CREATE EXTENSION owostack") == "55000"
                assert other.execute("SELECT count(*) FROM pg_namespace WHERE nspname = 'owo'").fetchone() == (0,)
        finally:
            session.execute(f"DROP DATABASE {name}")


def test_what_is_taken_back_is_gone_at_the_next_call_of_an_open_session(database):
    database.rows("SELECT owo_sync(%s)", CATALOG, role="owo_admin")
    with database.connect("postgres") as master, database.connect("owo_nobody") as session:
        master.execute("DROP ROLE IF EXISTS security_team")
        master.execute("CREATE ROLE security_team")
        master.execute("SELECT owo_customer('acme'), owo_grant_role('security_team', 'app')")
        calls = [
            "SELECT (owo_check('acme', 'calls')).code",
            "SELECT owo_allowed('acme', 'calls')",
            "SELECT (owo_track('acme', 'calls')).code",
            "SELECT count(*) FROM owo.customer",
        ]

        def answers():
            results = []
            for call in calls * 2:  # the second may be remembered
                try:
                    session.execute(call)
                    results.append("answers")
                except psycopg.Error as error:
                    results.append(error.sqlstate)
            return set(results)

        assert answers() == {"42501"}
        for give, take in [
            ("GRANT security_team TO owo_nobody", "REVOKE security_team FROM owo_nobody"),
            ("SELECT owo_grant_role('owo_nobody', 'app')", "SELECT owo_grant_role('owo_nobody', 'none')"),
            ("ALTER ROLE owo_nobody SUPERUSER", "ALTER ROLE owo_nobody NOSUPERUSER"),
        ]:
            master.execute(give)
            assert answers() == {"answers"}, give
            master.execute(take)
            assert answers() == {"42501"}, take
        master.execute("SELECT owo_grant_role('security_team', 'none')")
        master.execute("DROP ROLE security_team")


def test_roles_are_given_levels_while_partitions_are_made_and_roles_come_and_go(database, server_log):
    """GRANT takes no lock on what it changes; two at a time, or beside a fold, must not end in an internal error."""
    database.rows("SELECT owo_organization('lab', environment => 'sandbox')", role="owo_admin")
    with database.connect("owo_admin", options="-c owostack.organization=lab") as lab:
        lab.execute("SELECT owo_clock_set('2020-01-01 00:00+00')")
        lab.execute("SELECT owo_sync(%s)", (CATALOG,))
        lab.execute("SELECT owo_customer('acme')")
    roles = [f"security_worker_{number}" for number in range(3)]
    with database.connect("postgres") as master:
        for role in roles:
            master.execute(f"DROP ROLE IF EXISTS {role}")
            master.execute(f"CREATE ROLE {role}")
    stop = threading.Event()
    failures = []

    def give(role):
        try:
            with database.connect("owo_admin") as session:
                while not stop.is_set():
                    for level in ("admin", "reader", "none"):
                        session.execute("SELECT owo_grant_role(%s::regrole, %s, 'lab')", (role, level))
        except psycopg.Error as error:
            failures.append(f"{role}: {error.sqlstate} {error}")

    threads = [threading.Thread(target=give, args=(role,)) for role in roles]
    for thread in threads:
        thread.start()
    try:
        with database.connect("owo_admin", options="-c owostack.organization=lab") as lab:
            for _ in range(12):
                lab.execute("SELECT owo_track('acme', 'calls')")
                lab.execute("SELECT owo_worker_tick()")
                lab.execute("SELECT owo_clock_advance('1 month')")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert server_log.alarms() == []
    assert database.verify() == []
    with database.connect("postgres") as master:
        for role in roles:
            master.execute("SELECT owo_grant_role(%s::regrole, 'none')", (role,))
            master.execute(f"DROP ROLE {role}")
