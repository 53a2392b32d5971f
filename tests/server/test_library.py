"""A server whose library file is missing: what has nothing to do with the extension goes on, and nothing that is limited slips by."""

import psycopg
import pytest

CATALOG = """
SELECT owo_sync('{"features": [{"slug": "rows", "type": "entity"}],
  "plans": [{"slug": "free", "price": 0, "autoEnable": true, "features": [{"slug": "rows", "limit": 2}]}]}')
"""


@pytest.fixture
def shop(database):
    with database.connect(role="postgres") as session:
        session.execute(CATALOG)
        session.execute("SELECT owo_customer('acme')")
        session.execute("CREATE TABLE item (org text, id int, PRIMARY KEY (org, id)) PARTITION BY LIST (org)")
        session.execute("SELECT owo_enforce_table('item', 'rows', 'org', 'id')")
        # somebody without any right on ours
        session.execute("ALTER TABLE item OWNER TO owo_nobody")
        session.execute("SELECT owo_grant_role('owo_nobody', 'app')")
        session.execute(f'GRANT CREATE ON DATABASE "{session.info.dbname}" TO owo_nobody')
        session.execute("GRANT CREATE ON SCHEMA public TO owo_nobody")
    return database


def move_library(database, old: str, new: str):
    """For this database alone, so that others go on: functions look for their file under another name."""
    with database.connect(role="postgres") as session:
        session.execute("SET allow_system_table_mods = on")
        session.execute("UPDATE pg_proc SET probin = replace(probin, %s, %s) WHERE probin ~ 'owostack'", [old, new])


def refusal(session: psycopg.Connection, statement: str) -> str | None:
    try:
        session.execute(statement)
    except psycopg.Error as error:
        return error.sqlstate
    return None


ELSEWHERE = [
    "CREATE TABLE plain (id int PRIMARY KEY)",
    "ALTER TABLE plain ADD COLUMN name text DEFAULT 'none'",
    "CREATE TABLE tree (id int) PARTITION BY RANGE (id)",
    "CREATE TABLE tree_1 PARTITION OF tree FOR VALUES FROM (0) TO (10)",
    "CREATE TABLE tree_2 (id int)",
    "ALTER TABLE tree ATTACH PARTITION tree_2 FOR VALUES FROM (10) TO (20)",
    "CREATE SCHEMA shelf CREATE TABLE book (id int)",
    "DROP TABLE plain, tree",
]


def test_other_tables_need_no_library(shop):
    move_library(shop, "$libdir", "/nowhere")
    with shop.connect(role="owo_nobody") as session:
        # it is gone indeed
        assert refusal(session, "SELECT owo_check('acme', 'rows')") == "58P01"
        assert [refusal(session, statement) for statement in ELSEWHERE] == [None] * len(ELSEWHERE)
        # and what is enforced lets nothing pass meanwhile
        assert refusal(session, "CREATE TABLE item_acme PARTITION OF item FOR VALUES IN ('acme')") == "58P01"
        assert refusal(session, "INSERT INTO item VALUES ('acme', 1)") is not None
    move_library(shop, "/nowhere", "$libdir")
    with shop.connect(role="owo_nobody") as session:
        session.execute("CREATE TABLE item_acme (org text NOT NULL, id int NOT NULL, PRIMARY KEY (org, id))")
        session.execute("INSERT INTO item_acme VALUES ('acme', 1), ('acme', 2)")
        session.execute("ALTER TABLE item ATTACH PARTITION item_acme FOR VALUES IN ('acme')")
        assert session.execute("SELECT count(*) FROM owo_entities('acme', 'rows')").fetchone() == (2,)
        assert refusal(session, "INSERT INTO item VALUES ('acme', 3)") == "23514"
        session.execute("TRUNCATE item_acme")
        assert session.execute("SELECT count(*) FROM owo_entities('acme', 'rows')").fetchone() == (0,)
