"""What the documentation shows is what happens: its SQL is executed, its lists are complete.

A block marked ```sql in README.md runs, statement by statement, in one session per section (a heading of the second level).
A statement followed by a comment "-- ERROR" or "-- ERROR 23514" must fail so; all others must not fail.
"""

import re
from pathlib import Path

import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text() if (ROOT / "README.md").exists() else ""


def sections() -> list[tuple[str, list[str]]]:
    found = []
    for part in re.split(r"^## ", README, flags=re.M)[1:]:
        blocks = re.findall(r"^```sql\n(.*?)^```", part, flags=re.M | re.S)
        if blocks:
            found.append((part.splitlines()[0].strip(), blocks))
    return found


def statements(block: str) -> list[tuple[str, str | None]]:
    """Statements and the SQLSTATE that each must fail with, '' for any and None for success."""
    found, statement = [], ""
    quoted = None
    for line in block.splitlines(keepends=True):
        statement += line
        for mark in re.findall(r"\$\w*\$", line):
            quoted = None if quoted == mark else quoted or mark
        bare = re.sub(r"--.*$", "", line).rstrip()
        if quoted is None and bare.endswith(";"):
            error = re.search(r"--\s*ERROR\s*(\w{5})?", line)
            found.append((statement, (error.group(1) or "") if error else None))
            statement = ""
    assert not statement.strip() or statement.lstrip().startswith("--"), f"unfinished statement: {statement}"
    return found


@pytest.mark.parametrize("title,blocks", sections(), ids=lambda value: value if isinstance(value, str) else "")
def test_the_sql_of_the_readme_runs(make_database, title, blocks):
    database = make_database(template="template0")
    with database.connect("postgres") as session:
        if not any("CREATE EXTENSION" in block for block in blocks):
            session.execute("CREATE EXTENSION owostack")
        for block in blocks:
            for statement, expected in statements(block):
                run(session, statement, expected)
    assert database.rows("SELECT * FROM owo_verify()", role="postgres") == []


def run(session, statement, expected):
    try:
        session.execute(statement)
    except psycopg.Error as error:
        assert expected is not None, f"{error.sqlstate} {error}\nin: {statement}"
        assert expected in ("", error.sqlstate), f"failed with {error.sqlstate}, not {expected}: {statement}"
    else:
        assert expected is None, f"did not fail: {statement}"


def test_every_function_has_its_row(database):
    """Each function that exists stands in the README's table as working, and no other does."""
    rows = re.findall(r"^\| `(owo_\w+)[^|]*\|[^|]*\| ([^|]*) \|$", README, flags=re.M)
    works = {name for name, state in rows if not state.startswith("later")}
    exists = {
        name
        for (name,) in database.rows(
            """SELECT DISTINCT p.proname::text FROM pg_proc p
               JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' WHERE p.proname LIKE 'owo\\_%%'"""
        )
    }
    assert works == exists


def test_every_setting_has_its_row(database):
    known = {name for (name,) in database.rows("SELECT name FROM pg_settings WHERE name LIKE 'owostack.%%'")}
    assert known <= set(re.findall(r"^\| `(owostack\.\w+)`", README, flags=re.M))
