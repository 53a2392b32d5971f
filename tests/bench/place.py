"""The servers that are measured, and their contents. Each is private, with Postgres' defaults but for what is named here."""

import os
import statistics
import sys
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/server"))

from pgbench import Bench  # noqa: E402
from preloaded import Server  # noqa: E402

DATABASE = "bench"
FILL_SESSIONS = 2
FEATURES = 5


class Place:
    """A server with the benchmark's database."""

    def __init__(self, name: str, engine: str, customers: int, worker: str):
        self.server = Server(
            name,
            fsync="on",
            max_connections="120",
            owostack__meter_engine=engine,
            owostack__worker=worker,
            owostack__worker_naptime_ms="1000",
            # room for every question about every customer, with some to spare
            owostack__meter_slots=str(max(65_536, customers * FEATURES * 3 // 2)),
            owostack__entitlement_slots=str(max(16_384, customers * FEATURES * 3 // 2)),
            log_line_prefix="%m %p ",
            log_error_verbosity="default",
        )
        self.customers = customers
        self.warm = False
        self.server.rows(f"CREATE DATABASE {DATABASE}")
        self.bench = Bench(Path(os.environ["BIN"]), self.server.folder, DATABASE)
        self.bench.psql("setup")
        self.bench.each("customers", FILL_SESSIONS, -(-customers // FILL_SESSIONS))
        self.rows("VACUUM ANALYZE")
        # a denial would be measured as happily as a grant
        assert self.value(f"SELECT bool_and(owo_allowed(key, 'calls')) FROM (VALUES ('hot'), ('customer-' || {customers})) AS x (key)")

    def rows(self, query: str) -> list[tuple]:
        return self.server.rows(query, database=DATABASE)

    def value(self, query: str):
        return self.rows(query)[0][0]

    def warmed(self):
        """Every question about every customer has been asked once, by somebody."""
        if not self.warm:
            self.bench.each("warm", FILL_SESSIONS, 1, customers=self.customers)
            self.warm = True

    def fresh(self):
        """Nothing left of earlier scripts that could burden the next: rows of the peer, folded rows, dirty pages."""
        self.rows("TRUNCATE bare")
        self.rows("VACUUM owo.usage_pending")
        self.rows("CHECKPOINT")

    @contextmanager
    def worker(self):
        """The background worker folds meanwhile."""
        self._switch("on")
        try:
            yield
        finally:
            self._switch("off")

    def _switch(self, state: str):
        self.rows(f"ALTER SYSTEM SET owostack.worker = {state}")
        self.rows("SELECT pg_reload_conf()")

    def destroy(self):
        self.server.destroy()


def medians(rounds: int, contenders: dict) -> dict[str, float]:
    """Runs the contenders in turn, round by round, so that what else the machine does meets all of them."""
    measured = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, measure in contenders.items():
            measured[name].append(measure())
    return {name: statistics.median(values) for name, values in measured.items()}
