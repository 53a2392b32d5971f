"""pg_dump of a database in use, restored beside it: same answers, counting goes on, and owo_verify() can tell tampering."""

import os
import subprocess
from pathlib import Path

CATALOG = (Path(__file__).resolve().parents[2] / "examples" / "owostack-sync.json").read_text()

ANSWERS = """
SELECT c, f.feature, f.type, (f.decision).allowed, (f.decision).code, (f.decision).usage, (f.decision).usage_limit,
       (f.decision).balance, (f.decision).overage, (f.decision).resets_at, f.source, f.value
FROM unnest(ARRAY['acme', 'zeta', 'nobody']) AS c, owo_features(c) AS f ORDER BY c, f.feature
"""


def use(database):
    """Some history: folded and pending usage, seats, a paid plan, a scheduled downgrade, an idempotency key, holds."""
    database.rows("SELECT owo_sync(%s)", CATALOG, role="owo_admin")
    with database.connect() as app, database.connect("owo_admin") as admin:
        app.execute("SELECT owo_customer('acme', 'ops@acme.test'), owo_customer('zeta')")
        app.execute("SELECT owo_track('acme', 'api-calls', 40), owo_track('zeta', 'api-calls', 99)")
        checkout = app.execute("SELECT checkout_id FROM owo_attach('acme', 'scale')").fetchone()[0]
        admin.execute("SELECT owo_checkout_complete(%s)", (checkout,))
        app.execute("SELECT owo_track('acme', 'gpt-4', 3, idempotency_key => 'once')")
        app.execute("SELECT owo_reserve('acme', 'gpt-4', 2, '24 hours')")
        admin.execute("SELECT owo_worker_tick()")
        app.execute("SELECT owo_reserve('acme', 'gpt-4', 1, '24 hours')")
        app.execute("SELECT owo_entity_add('acme', 'seats', 'ada'), owo_track('acme', 'api-calls', 2), owo_attach('acme', 'free')")
    assert database.value("SELECT count(*) FROM pg_inherits WHERE inhparent = 'owo.usage_event'::regclass", role="postgres") > 0


def copy(source, target):
    """pg_dump | psql, stopping at the first error."""
    programs = Path(os.environ["BIN"])
    environment = {**os.environ, "PGUSER": "postgres"}
    dump = subprocess.Popen([programs / "pg_dump", source.name], stdout=subprocess.PIPE, env=environment)
    restore = subprocess.run(
        [programs / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", target.name],
        stdin=dump.stdout, env=environment, capture_output=True, text=True,
    )
    assert dump.wait() == 0
    assert restore.returncode == 0, restore.stderr


def test_a_restored_copy_answers_and_counts_like_the_original(database, make_database):
    use(database)
    restored = make_database("_copy", template="template0")
    copy(database, restored)

    assert restored.rows(ANSWERS) == database.rows(ANSWERS)
    assert database.verify() == [] and restored.verify() == []

    for each in (database, restored):
        assert each.rows("SELECT allowed, replayed FROM owo_track('acme', 'gpt-4', 3, idempotency_key => 'once')") == [(True, True)]
        assert each.rows("SELECT allowed, code FROM owo_track('zeta', 'api-calls', 1)") == [(True, "tracked")]
        assert each.rows("SELECT allowed, code FROM owo_track('zeta', 'api-calls', 1)") == [(False, "limit_exceeded")]
        settled = "SELECT s.allowed, s.code FROM owo.reservation AS r, owo_settle(r.id, 1.5) AS s WHERE r.status = 'open' ORDER BY r.created_at"
        assert each.rows(settled) == [(True, "tracked"), (True, "tracked")]
        each.rows("SELECT owo_worker_tick()", role="owo_admin")
        assert each.rows("SELECT count FROM owo_entity_add('acme', 'seats', 'bob')") == [(2,)]
        assert each.verify() == []
    assert restored.rows(ANSWERS) == database.rows(ANSWERS)


def test_a_copy_of_a_copy_can_be_dumped(database, make_database):
    use(database)
    first = make_database("_first", template="template0")
    copy(database, first)
    second = make_database("_second", template="template0")
    copy(first, second)
    assert second.rows(ANSWERS) == database.rows(ANSWERS)
    assert second.verify() == []


def test_tampering_is_found(database, make_database):
    use(database)
    restored = make_database("_copy", template="template0")
    copy(database, restored)
    for each in (database, restored):
        each.rows("SELECT owo_worker_tick()", role="owo_admin")
        assert each.verify() == []
        with each.connect("postgres") as session:
            # a superuser who switches the guards off; nobody else gets this far
            session.execute("SET session_replication_role = replica")
            session.execute("ALTER TABLE owo.meter_period DISABLE TRIGGER ALL")
            session.execute("UPDATE owo.meter_period SET used = used + 1")
        assert each.verify() != []


def test_tampering_with_holds_is_found(database):
    use(database)
    for tampering in ("UPDATE owo.reservation SET lines = '[]'", "UPDATE owo.reservation SET status = 'released', closed_at = now()", "DELETE FROM owo.reservation"):
        assert database.verify() == []
        with database.connect("postgres", autocommit=False) as session:
            session.execute("SET LOCAL session_replication_role = replica")
            session.execute("ALTER TABLE owo.reservation DISABLE TRIGGER ALL")
            session.execute(tampering)
            assert session.execute("SELECT count(*) FROM owo_verify() WHERE subject LIKE 'open holds on meter %'").fetchone()[0] > 0
            session.rollback()
