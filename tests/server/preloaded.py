"""Servers of their own for tests that need the library preloaded, or that crash, stop and promote what they test."""

import os
import re
import subprocess
import time
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[2]
# Seconds until a test gives up what does not come. They say nothing of how fast it should be: machines of tests are slow at times.
PATIENCE = 120
SHOP = """
SELECT owo_sync('{
  "features": [{"slug": "calls", "type": "metered"}, {"slug": "seats", "type": "entity", "freeAt": "period_end"}],
  "plans": [
    {"slug": "free", "name": "Free", "price": 0, "autoEnable": true, "planGroup": "main",
     "features": [{"slug": "calls", "limit": 1000000}, {"slug": "seats", "limit": 5}]}]}')
"""


def cluster(action: str, name: str, *arguments: str) -> str:
    done = subprocess.run([ROOT / "tests/lib/cluster.sh", action, name, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def wait_for(condition, what: str = ""):
    """What `condition` returns as soon as that is true. The only waiting in these tests: for another process."""
    end = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {PATIENCE} s: {what}"
        time.sleep(0.02)


class Server:
    """A private server with the library preloaded, unless told otherwise."""

    SETTINGS = {
        "shared_preload_libraries": "owostack",
        "fsync": "off",
        "max_connections": "60",
        "owostack.worker_naptime_ms": "100",
        "log_line_prefix": "%m %p %b %d ",
        "log_error_verbosity": "verbose",
        "lc_messages": "C",
    }

    def __init__(self, name: str, of: "Server | None" = None, **settings: str):
        # programs that run beside each other may call their servers alike
        self.name = name = name + os.environ.get("PYTEST_XDIST_WORKER", "")
        chosen = {**self.SETTINGS, **{key.replace("__", "."): value for key, value in settings.items()}}
        pairs = [f"{key}={value}" for key, value in chosen.items()]
        if of:
            cluster("standby", name, of.name, *pairs)
        else:
            cluster("create", name, *pairs)
        self.folder = Path(cluster("folder", name))

    def cluster(self, action: str):
        cluster(action, self.name)

    def connect(self, database: str = "postgres", role: str = "postgres", **options) -> psycopg.Connection:
        options.setdefault("autocommit", True)
        return psycopg.connect(host=str(self.folder), user=role, dbname=database, **options)

    def rows(self, query: str, *arguments, database: str = "postgres", role: str = "postgres") -> list[tuple]:
        with self.connect(database, role) as session:
            cursor = session.execute(query, arguments or None)
            return cursor.fetchall() if cursor.description else []

    def value(self, query: str, *arguments, **where):
        return self.rows(query, *arguments, **where)[0][0]

    def is_up(self) -> bool:
        try:
            return self.value("SELECT true")
        except psycopg.OperationalError:
            return False

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def alarms(self) -> list[str]:
        """What must never be in a log, whatever a test provokes."""
        return [line for line in self.log().splitlines() if re.search(r"  XX000:|panicked|PANIC:", line)]

    def workers(self, database: str | None = None) -> list[int]:
        """Process ids of workers, in one database or all."""
        return [
            pid
            for (pid,) in self.rows(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'owostack worker' AND coalesce(datname = %s, true)",
                database,
            )
        ]

    def launcher(self) -> int | None:
        found = self.rows("SELECT pid FROM pg_stat_activity WHERE backend_type = 'owostack launcher'")
        return found[0][0] if found else None

    def shop(self, database: str):
        """A database with the extension, a small catalog and a customer, where something has been counted."""
        self.rows(f'CREATE DATABASE "{database}"')
        self.stock(database)

    def stock(self, database: str):
        self.rows("CREATE EXTENSION owostack", database=database)
        self.rows(SHOP, database=database)
        self.rows("SELECT owo_customer('acme')", database=database)
        self.track(database)

    def track(self, database: str, value: int = 1, customer: str = "acme"):
        assert self.value("SELECT (owo_track(%s, 'calls', %s)).code", customer, value, database=database) == "tracked"

    def pending(self, database: str) -> int:
        return self.value("SELECT count(*) FROM owo.usage_pending", database=database)

    def folded(self, database: str):
        """Waits until the worker has folded everything; the books must be right then."""
        wait_for(lambda: self.pending(database) == 0, f"usage of {database} is folded")
        assert self.rows("SELECT * FROM owo_verify()", database=database) == []

    def status(self, database: str, role: str = "postgres") -> dict:
        with self.connect(database, role) as session:
            cursor = session.execute("SELECT * FROM owo.worker_status")
            return dict(zip([column.name for column in cursor.description], cursor.fetchone()))

    def destroy(self):
        cluster("destroy", self.name)
