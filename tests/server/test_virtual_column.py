"""Virtual generated columns (Postgres 18) of enforced tables: rows that a trigger is called for do not hold them, and yet they count."""

import pytest
from psycopg import errors

CATALOG = """{
  "features": [{"slug": "seats", "type": "entity"}, {"slug": "words"}],
  "plans": [{"slug": "base", "autoEnable": true, "features": [{"slug": "seats", "limit": 3}, {"slug": "words", "limit": 20}]}]
}"""
COLUMNS = "id text, o text, body text, org text GENERATED ALWAYS AS (lower(o)) VIRTUAL, size numeric(5, 1) GENERATED ALWAYS AS (length(body) + 0.04) VIRTUAL"


@pytest.fixture
def app(database):
    with database.connect() as session:
        if session.info.server_version < 180000:
            pytest.skip("Postgres 18 made them")
        database.rows("SELECT owo_sync(%s)", CATALOG, role="owo_admin")
        session.execute("SELECT owo_customer('acme'), owo_customer('zeta')")
        yield session
    assert database.verify() == []


def used(app, customer="acme"):
    return app.execute("SELECT usage FROM owo_check(%s, 'words', 0)", (customer,)).fetchone()[0]


def seats(app, customer="acme"):
    return [entity for (entity,) in app.execute("SELECT entity FROM owo_entities(%s, 'seats') ORDER BY 1", (customer,))]


@pytest.mark.parametrize("mode", ["statement", "row"])
@pytest.mark.parametrize("value", ["size", "coalesce(size, 0) * 1", "trunc(page.size)"])
def test_a_virtual_column_is_a_value(app, mode, value):
    app.execute(f"CREATE TABLE page ({COLUMNS}, PRIMARY KEY (id))")
    app.execute("SELECT owo_enforce_table('page', 'words', 'org', value_expression => %s, mode => %s)", (value, mode))
    app.execute("INSERT INTO page (id, o, body) VALUES ('1', 'ACME', 'abc'), ('2', 'Acme', 'abcdef'), ('3', 'zeta', 'a')")
    assert (used(app), used(app, "zeta")) == (9, 1)
    app.execute("UPDATE page SET body = body || 'x' WHERE org = 'acme'")
    assert used(app) == 11
    app.execute("UPDATE page SET o = 'acme' WHERE id = '3'")
    assert used(app) == 12
    with pytest.raises(errors.CheckViolation, match="words"):
        app.execute("INSERT INTO page (id, o, body) VALUES ('4', 'acme', 'abcdefghi')")
    assert used(app) == 12


@pytest.mark.parametrize("mode", ["statement", "row"])
def test_a_virtual_column_names_the_customer_of_an_entity(app, mode):
    app.execute(f"CREATE TABLE page ({COLUMNS}, PRIMARY KEY (id))")
    app.execute("INSERT INTO page (id, o) VALUES ('1', 'ACME')")
    app.execute("SELECT owo_enforce_table('page', 'seats', 'org', 'id', mode => %s)", (mode,))
    assert seats(app) == ["1"]
    app.execute("INSERT INTO page (id, o) VALUES ('2', 'Acme'), ('3', 'ZETA')")
    assert (seats(app), seats(app, "zeta")) == (["1", "2"], ["3"])
    app.execute("UPDATE page SET o = 'acme' WHERE id = '3'")
    with pytest.raises(errors.CheckViolation, match="seats"):
        app.execute("INSERT INTO page (id, o) VALUES ('4', 'acmE')")
    app.execute("DELETE FROM page WHERE id = '2'")
    assert (seats(app), seats(app, "zeta")) == (["1", "3"], [])
    app.execute("TRUNCATE page")
    assert seats(app) == []


def test_partitions_compute_their_own_virtual_columns(app):
    app.execute(f"CREATE TABLE page ({COLUMNS}, PRIMARY KEY (id)) PARTITION BY LIST (id)")
    app.execute("CREATE TABLE page_1 PARTITION OF page FOR VALUES IN ('1')")
    other = "dropped int, size numeric(5, 1) GENERATED ALWAYS AS (2 * length(body)) VIRTUAL, body text, o text, org text GENERATED ALWAYS AS (o) VIRTUAL, id text"
    app.execute(f"CREATE TABLE page_2 ({other}, PRIMARY KEY (id))")
    app.execute("ALTER TABLE page_2 DROP dropped, ALTER id SET NOT NULL")
    app.execute("ALTER TABLE page ATTACH PARTITION page_2 FOR VALUES IN ('2')")
    app.execute("SELECT owo_enforce_table('page', 'words', 'org', value_expression => 'size')")
    app.execute("INSERT INTO page (id, o, body) VALUES ('1', 'ACME', 'abc'), ('2', 'acme', 'abcd')")
    assert used(app) == 11


def test_a_trigger_by_hand_reads_virtual_columns(app):
    app.execute(f"CREATE TABLE page ({COLUMNS}, PRIMARY KEY (id))")
    app.execute(
        "CREATE TRIGGER words AFTER INSERT OR UPDATE OR DELETE ON page FOR EACH ROW"
        " EXECUTE FUNCTION owo_enforce('feature=words', 'customer=org', 'value=size', 'returns=true')"
    )
    app.execute("INSERT INTO page (id, o, body) VALUES ('1', 'ACME', 'abc'), ('2', 'Acme', 'abcdef')")
    assert used(app) == 9
    app.execute("DELETE FROM page WHERE id = '2'")
    assert used(app) == 3
