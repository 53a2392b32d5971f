"""Many at once: batches of events, COPY into a table that obeys the plan."""

from place import Place, medians
from report import Result, at_least

EVENTS = 10_000


def batch(place: Place, settings, _chart: dict) -> list[Result]:
    calls = settings.calls
    place.bench.psql("batch_fill", calls=calls * settings.rounds)
    done = {"batch": 0, "batch_keyed": 0}

    def rate(script: str):
        def measure() -> float:
            first = done[script]
            done[script] += calls
            return EVENTS * 1000 / place.bench.milliseconds(script, calls, id=first)

        return measure

    found = medians(settings.rounds, {name: rate(name) for name in done})
    what = "`owo_track_batch`, calls of 10,000 events into 1,000 customers"
    return [
        at_least(what, found["batch"], 150_000),
        at_least(f"{what}, with idempotency keys", found["batch_keyed"], 100_000),
    ]


def copy(place: Place, settings, _chart: dict) -> list[Result]:
    file = place.server.folder / "rows.csv"
    place.rows(
        f"COPY (SELECT n, 'customer-' || 1 + n % 1000, 'row ' || n, n / 100.0, now() FROM generate_series(1, {settings.rows}) AS n)"
        f" TO '{file}' (FORMAT csv)"
    )
    time = lambda script: lambda: place.bench.psql(script, file=file)  # noqa: E731
    found = medians(settings.rounds, {name: time(name) for name in ("copy_plain", "copy_enforced")})
    place.rows("TRUNCATE plain_row, enforced_row")
    ratio = found["copy_plain"] / found["copy_enforced"]
    rate = lambda name: f"{settings.rows / found[name] * 1000:,.0f} rows/s"  # noqa: E731
    what = f"COPY of {settings.rows:,} rows into an enforced table"
    return [Result(what, rate("copy_enforced"), f"bare table {rate('copy_plain')}", f"{ratio:.2f}x", "0.75x", ratio >= 0.75)]
