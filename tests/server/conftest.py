"""Fixtures of the server tests: a fresh database for each test, and sessions in it as any role.

The server is the private one that PGHOST names (see tests/lib/test.sh). Nothing here knows about owostack beyond
the names of the template database and its roles.
"""

import itertools
import os
import re
from pathlib import Path

import psycopg
import pytest

# What these assert for many tests shows its values, as a test's own assertions do.
pytest.register_assert_rewrite("adapter", "judge", "preloaded", "provider_world")

TEMPLATE = "owo_template"
ROOT = Path(__file__).resolve().parents[2]
# Programs run beside each other: which of the runners this is.
RUNNER = os.environ.get("PYTEST_XDIST_WORKER", "")
_number = itertools.count(1)


class Database:
    """One database on the private server."""

    def __init__(self, name: str):
        self.name = name

    def connect(self, role: str = "owo_app", **options) -> psycopg.Connection:
        """A session that commits each statement by itself, unless told otherwise."""
        options.setdefault("autocommit", True)
        return psycopg.connect(host=os.environ["PGHOST"], user=role, dbname=self.name, **options)

    def rows(self, query: str, *arguments, role: str = "owo_app") -> list[tuple]:
        with self.connect(role) as session:
            return session.execute(query, arguments or None).fetchall()

    def value(self, query: str, *arguments, role: str = "owo_app"):
        return self.rows(query, *arguments, role=role)[0][0]

    def verify(self) -> list[tuple]:
        """What owo_verify() found wrong; the empty list is the proof that nothing is."""
        return self.rows("SELECT * FROM owo_verify()", role="owo_admin")


def create_database(name: str, template: str | None = TEMPLATE) -> Database:
    with psycopg.connect(host=os.environ["PGHOST"], user="postgres", dbname="postgres", autocommit=True) as session:
        session.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        session.execute(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))
    return Database(name)


def drop_database(name: str) -> None:
    with psycopg.connect(host=os.environ["PGHOST"], user="postgres", dbname="postgres", autocommit=True) as session:
        session.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def make_database(request):
    """A function that creates further databases, dropped after a test that passed and kept for a look after one that failed."""
    made = []

    def make(suffix: str = "", template: str | None = TEMPLATE) -> Database:
        stem = re.sub(r"\W+", "_", request.node.name).strip("_")[:40]
        database = create_database(f"server{RUNNER}_{next(_number)}_{stem}{suffix}", template)
        made.append(database.name)
        return database

    yield make
    if not getattr(request.node, "has_failed", False):
        for name in made:
            drop_database(name)


@pytest.fixture
def database(make_database) -> Database:
    """A fresh database with the extension, as every test gets it."""
    return make_database()


class ServerLog:
    """What the server wrote since the test began."""

    ALARM = re.compile(r"  XX000:|panicked|PANIC:|terminated by signal")

    def __init__(self):
        self.path = Path(os.environ["PGHOST"]) / "log"
        self.start = self.path.stat().st_size

    def text(self) -> str:
        with self.path.open("rb") as log:
            log.seek(self.start)
            return log.read().decode(errors="replace")

    def alarms(self) -> list[str]:
        return [line for line in self.text().splitlines() if self.ALARM.search(line)]


@pytest.fixture
def server_log() -> ServerLog:
    return ServerLog()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        item.has_failed = True
    return report


def pytest_runtest_logreport(report):
    """One line per test for the summary of the whole run."""
    path = os.environ.get("RESULTS")
    # What a runner reports is reported again where all comes together.
    if not path or RUNNER or report.skipped or (report.when != "call" and not report.failed):
        return
    with open(path, "a", encoding="utf-8") as results:
        results.write(f"{'passed' if report.passed else 'failed'}\t{os.environ.get('ENGINE', '')}: server/{report.nodeid}\n")
