"""Credits under many hands: what was spent and what was taken back never come to more than what was given.

Sessions draw from the grants of one customer while others take the rest of those grants back, buy the same pack under one
key, complete the same checkout, or let the clock pass the date on which a grant expires.
"""

import random
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import errors

RETRY = (errors.SerializationFailure, errors.DeadlockDetected)
LEVELS = ["READ_COMMITTED", "REPEATABLE_READ", "SERIALIZABLE"]
COST = 5
GRANTS = 4
AMOUNT = 250

CATALOG = """{
  "features": [{"slug": "images"}],
  "creditSystems": [{"slug": "credits", "features": [{"feature": "images", "creditCost": 5}]}],
  "creditPacks": [{"slug": "pack", "credits": 100, "price": 900, "currency": "USD", "creditSystem": "credits"}]
}"""


@pytest.fixture
def ready(database):
    database.rows("SELECT owo_sync(%s)", CATALOG, role="owo_admin")
    database.rows("SELECT key FROM owo_customer('acme')")
    return database


def connect(database, level, role="owo_app"):
    session = database.connect(role, autocommit=False)
    session.isolation_level = psycopg.IsolationLevel[level]
    return session


def grant(database, count=GRANTS) -> list:
    query = "SELECT id FROM owo_credit_grant('acme', 'credits', %s)"
    return [database.value(query, AMOUNT, role="owo_admin") for _ in range(count)]


def spend(database, level, seed, unsteady) -> None:
    """Takes images one to three at a time until nothing is left; an unsteady session rolls back now and then."""
    chance = random.Random(seed)
    with connect(database, level) as session:
        denied = 0
        while denied < 2:
            try:
                allowed, code = session.execute("SELECT allowed, code FROM owo_track('acme', 'images', %s)", (chance.randint(1, 3),)).fetchone()
                if unsteady and allowed and chance.random() < 0.3:
                    session.rollback()
                    continue
                session.commit()
                denied += not allowed
                assert allowed or code in ("insufficient_credits", "no_active_subscription")
            except RETRY:
                session.rollback()


def take_back(database, level, ids, seed) -> dict:
    """Voids every grant in an order of its own; what each answered, once committed."""
    chance = random.Random(seed)
    answered = {}
    queue = list(ids)
    chance.shuffle(queue)
    with connect(database, level, "postgres") as session:
        while queue:
            try:
                answer = session.execute("SELECT owo._credit_void('acme', %s)", (queue[0],)).fetchone()[0]
                if chance.random() < 0.3:
                    session.rollback()
                    continue
                session.commit()
                answered[queue.pop(0)] = answer
            except RETRY:
                session.rollback()
    return answered


def spent(database) -> int:
    return database.value("SELECT coalesce(sum(quantity), 0) FROM owo.usage WHERE customer = 'acme'") * COST


@pytest.mark.parametrize("unsteady", [False, True], ids=["steady", "unsteady"])
@pytest.mark.parametrize("level", LEVELS)
def test_what_is_refunded_is_what_nobody_spends(ready, level, unsteady):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    ids = grant(ready)
    with ThreadPoolExecutor(16) as pool:
        spenders = [pool.submit(spend, ready, level, seed + number, unsteady) for number in range(12)]
        takers = [pool.submit(take_back, ready, level, ids, seed - number) for number in range(1, 5)]
        answers = [taker.result(timeout=120) for taker in takers]
        for spender in spenders:
            spender.result(timeout=120)
    taken = {row[0]: row[1] for row in ready.rows("SELECT id, taken FROM owo.credit_grant WHERE closed_as = 'voided'")}
    assert set(taken) == set(ids)
    # of all who asked, one was answered with the rest and the others with nothing
    for id in ids:
        assert sorted(answer[id] for answer in answers) == sorted([taken[id], 0, 0, 0])
    assert spent(ready) + sum(taken.values()) == GRANTS * AMOUNT
    assert ready.verify() == []
    ready.rows("SELECT owo_worker_tick()", role="owo_admin")
    assert ready.verify() == []


def test_a_date_passes_while_everybody_spends(ready):
    ready.rows("SELECT owo_organization('lab', environment => 'sandbox')", role="postgres")
    lab = "-c owostack.organization=lab"
    with ready.connect("owo_admin", options=lab) as admin:
        admin.execute("SELECT owo_clock_set('2027-01-01')")
        admin.execute("SELECT owo_sync(%s)", (CATALOG,))
        admin.execute("SELECT owo_customer('acme')")
        admin.execute("SELECT owo_credit_grant('acme', 'credits', 5000, expires_at => '2027-01-02')")

        def spend_in_lab(number):
            with ready.connect(options=lab) as session:
                for _ in range(200):
                    if not session.execute("SELECT allowed FROM owo_track('acme', 'images')").fetchone()[0]:
                        return

        with ThreadPoolExecutor(8) as pool:
            spenders = [pool.submit(spend_in_lab, number) for number in range(8)]
            while admin.execute("SELECT count(*) FROM owo.usage").fetchone()[0] < 50:
                pass
            admin.execute("SELECT owo_clock_set('2027-01-02')")
            for spender in spenders:
                spender.result(timeout=120)
        taken = admin.execute("SELECT taken FROM owo.credit_grant").fetchone()[0]
        told = admin.execute("SELECT data ->> 'amount' FROM owo.event WHERE type = 'credits.expired'").fetchall()
        units = admin.execute("SELECT sum(quantity) FROM owo.usage").fetchone()[0]
        assert units * COST + taken == 5000
        assert [float(row[0]) for row in told] == [float(taken)]
    assert ready.verify() == []


def test_one_checkout_gives_one_grant(ready):
    checkout = ready.value("SELECT checkout_id FROM owo_addon('acme', 'pack', 3)")

    def complete(number):
        with ready.connect("owo_admin") as session:
            return session.execute("SELECT reference FROM owo_checkout_complete(%s, %s)", (checkout, f"wire {number}")).fetchone()[0]

    with ThreadPoolExecutor(16) as pool:
        references = set(pool.map(complete, range(16)))
    assert len(references) == 1
    assert ready.rows("SELECT amount, source FROM owo.credit_grant") == [(300, "pack")]
    assert ready.value("SELECT count(*) FROM owo.event WHERE type = 'credits.granted'") == 1


def test_one_key_buys_once(ready):
    def buy(number):
        with ready.connect(autocommit=False) as session:
            row = session.execute("SELECT checkout_id FROM owo_addon('acme', 'pack', idempotency_key => 'order-1')").fetchone()
            session.rollback() if number % 4 == 0 else session.commit()
            return None if number % 4 == 0 else row[0]

    with ThreadPoolExecutor(16) as pool:
        bought = set(pool.map(buy, range(16))) - {None}
    assert len(bought) == 1
    assert ready.rows("SELECT id FROM owo.checkout") == [(bought.pop(),)]
