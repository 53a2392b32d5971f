"""At the end of a period many sessions track at once: nobody deadlocks, the count starts at zero, once."""

from concurrent.futures import ThreadPoolExecutor

SESSIONS = 8
CUSTOMERS = 6
CATALOG = """{
  "features": [{"slug": "calls"}],
  "plans": [{"slug": "base", "price": 0, "features": [{"slug": "calls", "limit": 1000}]},
            {"slug": "tried", "price": 900, "currency": "USD", "trialDays": 7, "onExpire": "base",
             "features": [{"slug": "calls", "limit": 1000}]}]
}"""

# Every date of the subscriptions moves into the past by so much that the running period, or the trial, has just ended.
LATER = """
    UPDATE owo.subscription
       SET anchor_at = anchor_at - late.by, started_at = started_at - late.by, period_start = period_start - late.by,
           period_end = period_end - late.by, trial_ends_at = trial_ends_at - late.by, due_at = due_at - late.by
      FROM (SELECT %s::interval AS by) AS late
"""


def track_together(database, plan: str, late: str) -> None:
    names = [f"{plan}{number}" for number in range(CUSTOMERS)]
    database.value("SELECT owo_sync(%s)", CATALOG, role="owo_admin")
    for name in names:
        assert database.value("SELECT code FROM owo_attach(%s, %s, customer_data => '{}')", name, plan) == "attached"
        assert database.value("SELECT usage FROM owo_track(%s, 'calls', 5)", name) == 5
    with database.connect(role="postgres", autocommit=True) as session:
        session.execute(LATER, (late,))

    def work(_number: int) -> None:
        with database.connect(autocommit=True) as session:
            for name in names:
                assert session.execute("SELECT allowed FROM owo_track(%s, 'calls')", (name,)).fetchone()[0]

    with ThreadPoolExecutor(SESSIONS) as pool:
        list(pool.map(work, range(SESSIONS)))
    for name in names:
        assert database.value("SELECT usage FROM owo_check(%s, 'calls')", name) == SESSIONS
    assert database.verify() == []


def test_tracks_at_a_renewal_do_not_deadlock(database):
    track_together(database, "base", "1 month")


def test_tracks_at_the_end_of_a_trial_do_not_deadlock(database):
    track_together(database, "tried", "7 days")
