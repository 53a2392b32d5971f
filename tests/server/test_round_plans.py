"""A worker's round reads what it needs, however empty the tables were when its statements were planned.

A plan is kept for as long as a worker lives. One made over an empty table may read all of it each time, and within a loop:
found when applying webhooks was thirteen times slower for a worker that had made rounds before the first one came.
"""

ROWS = 400
# Enough for Postgres to have settled on a plan for all arguments.
ROUNDS = 8

ACCOUNT = """INSERT INTO owo.provider_account (id, organization_id, provider, environment, is_default, created_at, updated_at)
             SELECT gen_random_uuid(), id, 'stripe', 'live', false, now(), now() FROM owo.organization LIMIT 1"""

FILL = {
    "webhook_event": """INSERT INTO owo.webhook_event
             (id, account_id, organization_id, provider, event_id, kind, status, body, received_at, updated_at, closed_at)
         SELECT gen_random_uuid(), id, organization_id, 'stripe', n::text, 'x', 'applied', 'x', now(), now(), now()
           FROM owo.provider_account, generate_series(1, %s) AS n""",
    "outbox": """INSERT INTO owo.outbox
             (id, account_id, organization_id, kind, subject_id, lane, job, state, next_at, created_at, updated_at, closed_at)
         SELECT gen_random_uuid(), id, organization_id, 'x', id, id, '{}', 'done', now(), now(), now(), now()
           FROM owo.provider_account, generate_series(1, %s) AS n""",
    "usage_key": "SELECT owo_track('acme', 'calls', idempotency_key => n::text) FROM generate_series(1, %s) AS n",
    "reservation": "SELECT owo_release(reservation) FROM generate_series(1, %s) AS n, owo_reserve('acme', 'calls', n)",
}

READ = "SELECT relname, seq_tup_read FROM pg_stat_xact_user_tables WHERE schemaname = 'owo' AND relname = ANY (%s)"


CATALOG = """SELECT owo_sync('{"features": [{"slug": "calls"}],
                               "plans": [{"slug": "free", "autoEnable": true, "features": [{"slug": "calls", "limit": 100000}]}]}')"""


def test_a_round_planned_over_empty_tables_reads_no_full_one_from_end_to_end(database):
    with database.connect(role="postgres") as worker:
        for prepare in (CATALOG, "SELECT owo_customer('acme')", ACCOUNT):
            worker.execute(prepare)
        for _ in range(ROUNDS):
            worker.execute("SELECT owo_worker_tick(1)")
        for fill in FILL.values():
            worker.execute(fill, [ROWS])
        with worker.transaction():
            before = dict(worker.execute(READ, [list(FILL)]).fetchall())
            worker.execute("SELECT owo_worker_tick(1)")
            after = dict(worker.execute(READ, [list(FILL)]).fetchall())
    for table in FILL:
        assert after[table] - before.get(table, 0) < ROWS, table
