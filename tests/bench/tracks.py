"""Counting: one busy customer, with other work, beside peers; many customers; with the worker folding."""

import threading
import time

from place import Place, medians
from redis_peer import Redis
from report import Result, against, at_least, at_most

CLIENTS = 64
WORK_CLIENTS = 32
FOLDED = "SELECT coalesce(sum(used), 0) FROM owo.meter_period WHERE customer_id = (SELECT id FROM owo.customer WHERE key = 'hot')"
TRACKED = "SELECT usage FROM owo_check('hot', 'calls')"


def hot(place: Place, table: Place, redis: Redis, settings, chart: dict) -> list[Result]:
    def rate(where: Place, script: str):
        def measure() -> float:
            where.fresh()
            return where.bench.rate(script, CLIENTS, settings.seconds)

        return measure

    found = medians(
        settings.rounds,
        {
            "bare": rate(place, "bare"),
            "verdict": rate(place, "track_verdict"),
            "track": rate(place, "track"),
            "update": rate(place, "update"),
            "redis": lambda: redis.rate(CLIENTS, settings.seconds),
            "table": rate(table, "track"),
        },
    )
    chart["One busy customer, 64 clients"] = {
        "bare INSERT": found["bare"],
        "owo_track": found["track"],
        "Redis": found["redis"],
        "row UPDATE": found["update"],
        "owo_track, table engine": found["table"],
    }
    what = "`owo_track`, one customer, 64 clients"
    return [
        against(f"{what}, worker paused", found["track"], found["bare"], "bare INSERT", 0.90),
        against(f"{what}, worker paused, its verdict alone", found["verdict"], found["bare"], "bare INSERT", 0.90),
        against(what, found["track"], found["update"], "row UPDATE with limit", 8),
        against(what, found["track"], found["redis"], "Redis, fsync always", 0.8),
        against(what, found["track"], found["table"], "table engine", None),
    ]


def work(place: Place, table: Place, settings, chart: dict) -> list[Result]:
    rate = lambda where, script: lambda: where.bench.rate(script, WORK_CLIENTS, settings.seconds)  # noqa: E731
    found = medians(
        settings.rounds,
        {
            "track": rate(place, "track_work"),
            "update": rate(place, "update_work"),
            "table": rate(table, "track_work"),
        },
    )
    chart["The same, and 5 ms of other work, 32 clients"] = {
        "owo_track": found["track"],
        "row UPDATE": found["update"],
        "owo_track, table engine": found["table"],
    }
    what = "`owo_track` and 5 ms of other work, one customer, 32 clients"
    return [
        against(what, found["track"], found["update"], "row UPDATE with limit", 25),
        against(what, found["track"], found["table"], "table engine", None),
    ]


def backlog(place: Place, _settings, _chart: dict) -> list[Result]:
    """How fast the worker folds what has piled up."""
    waiting = place.value("SELECT count(*) FROM owo.usage_pending")
    place.fresh()
    with place.worker():
        began, before = _first_fold(place)
        while place.value(TRACKED) > place.value(FOLDED):
            time.sleep(0.1)
        seconds = time.monotonic() - began
        folded = float(place.value(FOLDED) - before)
    return [at_least(f"fold of {waiting:,} waiting events", folded / seconds, 30_000)]


def _first_fold(place: Place) -> tuple[float, float]:
    """When the worker had begun, and what was folded by then."""
    before = place.value(FOLDED)
    end = time.monotonic() + 120
    while time.monotonic() < end:
        now = place.value(FOLDED)
        if now > before:
            return time.monotonic(), now
        time.sleep(0.02)
    raise RuntimeError("the worker does not fold")


class Lag:
    """Watches how long ago the newest folded usage was tracked."""

    def __init__(self, place: Place):
        self.place = place
        self.tracked: list[tuple[float, float]] = []
        self.lags: list[float] = []
        self.folded: list[tuple[float, float]] = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def _watch(self):
        with self.place.server.connect("bench") as session:
            while not self.stop.wait(0.1):
                folded = float(session.execute(FOLDED).fetchone()[0])
                tracked = float(session.execute(TRACKED).fetchone()[0])
                now = time.monotonic()
                self.tracked.append((now, tracked))
                self.folded.append((now, folded))
                seen = [at for at, count in self.tracked if count <= folded]
                if seen:
                    self.lags.append(now - seen[-1])

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_error):
        self.stop.set()
        self.thread.join()

    def per_second(self) -> float:
        (began, first), (ended, last) = self.folded[0], self.folded[-1]
        return (last - first) / (ended - began)

    def worst(self) -> float:
        return max(self.lags)


def folding(place: Place, settings, _chart: dict) -> list[Result]:
    place.fresh()
    bare = place.bench.rate("bare", CLIENTS, settings.folding)
    place.fresh()
    with place.worker(), Lag(place) as lag:
        track = place.bench.rate("track", CLIENTS, settings.folding)
    what = f"`owo_track`, one customer, 64 clients, worker folding, {settings.folding:.0f} s"
    return [
        against(what, track, bare, "bare INSERT", 0.70),
        Result("fold meanwhile, on the same cores", f"{lag.per_second():,.0f}/s", "", "", "", None),
        at_most("lag of the fold meanwhile, worst", lag.worst(), "s", 2),
    ]


def spread(place: Place, settings, _chart: dict) -> list[Result]:
    place.warmed()

    def rate(script: str):
        def measure() -> float:
            place.fresh()
            return place.bench.rate(script, CLIENTS, settings.seconds, settings.warm, customers=place.customers)

        return measure

    found = medians(settings.rounds, {name: rate(name) for name in ("bare_many", "track_many")})
    what = f"`owo_track` over {place.customers:,} customers, 64 clients"
    return [against(what, found["track_many"], found["bare_many"], "bare INSERT", 0.80)]
