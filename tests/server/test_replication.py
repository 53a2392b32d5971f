"""Logical replication of catalog and customers (protocol 25): what arrives counts at once for sessions that know the old."""

import pytest
from preloaded import Server, wait_for

TABLES = """feature plan_group credit_system credit_system_feature credit_pack plan plan_cycle plan_feature
    customer subscription""".split()


@pytest.fixture
def server():
    server = Server("replication", wal_level="logical", owostack__worker="off")
    yield server
    server.destroy()


def copy(server: Server, table: str):
    """As a subscriber copies what was there before, but within one server."""
    with server.connect("here") as reader, server.connect("there") as writer:
        # what arrives is no change of an administrator's
        writer.execute("SET session_replication_role = replica")
        with reader.cursor().copy(f"COPY owo.{table} TO STDOUT") as source:
            with writer.cursor().copy(f"COPY owo.{table} FROM STDIN") as target:
                for block in source:
                    target.write(block)


def test_what_arrives_by_replication_counts_at_once(server):
    server.shop("here")
    server.rows("CREATE DATABASE there")
    server.rows("CREATE EXTENSION owostack", database="there")
    # the row of the organization is written by the first call
    server.rows("SELECT owo_sync('{}')", database="there")
    server.rows("CREATE PUBLICATION shop FOR TABLE " + ", ".join(f"owo.{table}" for table in TABLES), database="here")
    server.rows("SELECT pg_create_logical_replication_slot('shop', 'pgoutput')", database="here")
    server.rows(
        f"CREATE SUBSCRIPTION shop CONNECTION 'host={server.folder} user=postgres dbname=here' PUBLICATION shop"
        " WITH (create_slot = false, slot_name = 'shop', copy_data = false, enabled = false)",
        database="there",
    )
    for table in TABLES:
        copy(server, table)
    server.rows("ALTER SUBSCRIPTION shop ENABLE", database="there")
    with server.connect("there") as session:

        def ask(query: str):
            return session.execute(query).fetchone()[0]

        assert ask("SELECT (owo_track('acme', 'calls', 2)).usage_limit") == 1000000
        assert ask("SELECT (owo_check('acme', 'calls')).balance") == 999998
        assert ask("SELECT (owo_check('zeta', 'calls')).code") == "customer_not_found"
        server.rows("UPDATE owo.plan_feature SET limit_amount = 3 WHERE limit_amount = 1000000", database="here")
        server.rows("SELECT owo_customer('zeta')", database="here")
        wait_for(
            lambda: server.value("SELECT count(*) FROM owo.subscription", database="there") == 2, what="zeta arrives"
        )
        assert ask("SELECT (owo_check('acme', 'calls')).balance") == 1
        assert ask("SELECT (owo_track('acme', 'calls', 2)).code") == "limit_exceeded"
        assert ask("SELECT (owo_track('zeta', 'calls', 3)).code") == "tracked"
        server.rows("TRUNCATE owo.plan_feature CASCADE", database="here")
        wait_for(
            lambda: server.value("SELECT count(*) FROM owo.plan_feature", database="there") == 0, what="it is empty"
        )
        assert ask("SELECT (owo_check('zeta', 'calls', 0)).code") == "feature_not_in_plan"
    assert server.rows("SELECT * FROM owo_verify()", database="there") == []
    for statement in ("DISABLE", "SET (slot_name = NONE)"):
        server.rows(f"ALTER SUBSCRIPTION shop {statement}", database="there")
    server.rows("DROP SUBSCRIPTION shop", database="there")
    assert server.alarms() == []
