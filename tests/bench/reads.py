"""Checks: over the wire, inside one query, under a policy, of few and of many customers, cold."""

from place import Place, medians
from report import Result, against, at_most

CLIENTS = 16
WARM_CLIENTS = 4
# These lie so near each other that they are measured more often than the rest.
WIRE_ROUNDS = 3
FEW = 1_000
COLD = 1_000


def wire(place: Place, settings, chart: dict) -> list[Result]:
    rate = lambda script: lambda: place.bench.rate(script, CLIENTS, settings.seconds)  # noqa: E731
    names = ("select1", "function", "allowed", "check_row", "check", "constants")
    found = medians(settings.rounds * WIRE_ROUNDS, {name: rate(name) for name in names})
    chart["One question, 16 clients"] = {
        "SELECT 1": found["select1"],
        "owo_allowed": found["allowed"],
        "owo_check": found["check_row"],
    }
    beside = lambda what, name, least: against(f"{what} over the wire, {CLIENTS} clients", found[name], found["select1"], "`SELECT 1`", least)  # noqa: E731
    return [
        beside("`owo_allowed`", "allowed", 0.95),
        beside("`pg_backend_pid()`", "function", None),
        beside("`owo_check`, full row as one value,", "check_row", 0.80),
        beside("`owo_check`, full row as eleven columns,", "check", 0.80),
        beside("eleven constants like that row,", "constants", None),
    ]


def inside(place: Place, settings, _chart: dict) -> list[Result]:
    rows = settings.rows
    time = lambda script: lambda: place.bench.milliseconds(script, 1, rows=rows)  # noqa: E731
    found = medians(settings.rounds, {name: time(name) for name in ("inside_none", "inside_allowed", "inside_check")})
    each = lambda name: (found[name] - found["inside_none"]) * 1000 / rows  # noqa: E731
    return [
        at_most("`owo_allowed` inside one query, per call", each("inside_allowed"), "us", 0.2),
        at_most("`owo_check` inside one query, per call", each("inside_check"), "us", 2),
    ]


def policy(place: Place, settings, _chart: dict) -> list[Result]:
    rows = settings.rows
    place.bench.psql("policy", rows=rows)
    # nobody need have asked about these customers before
    first = place.bench.milliseconds("scan_policy", 1)
    time = lambda script: lambda: place.bench.milliseconds(script, 3)  # noqa: E731
    found = medians(settings.rounds, {name: time(name) for name in ("scan_open", "scan_policy")})
    extra = (found["scan_policy"] - found["scan_open"]) * 1000 / rows
    peer = f"without {found['scan_open']:,.0f} ms, with {found['scan_policy']:,.0f} ms, the first time {first:,.0f} ms"
    place.rows("DROP TABLE open_row, policy_row")
    return [at_most(f"scan of {rows:,} rows under a policy calling `owo_allowed`, per row", extra, "us", 0.2, peer)]


def many(place: Place, settings, _chart: dict) -> list[Result]:
    place.warmed()
    rate = lambda customers: lambda: place.bench.rate(  # noqa: E731
        "check_many", WARM_CLIENTS, settings.seconds, settings.warm, customers=customers
    )
    found = medians(settings.rounds, {str(count): rate(count) for count in (FEW, place.customers)})
    what = f"warm check of {place.customers:,} customers x 5 features, {WARM_CLIENTS} clients"
    return [against(what, found[str(place.customers)], found[str(FEW)], f"{FEW:,} customers", 0.85)]


def cold(place: Place, settings, _chart: dict) -> list[Result]:
    found = place.bench.median_milliseconds("cold", min(COLD, place.customers), n=0)
    return [at_most("first question about a customer in a session, median", found, "ms", 1)]


def memory(place: Place, _settings, _chart: dict) -> list[Result]:
    size = place.value("SELECT allocated_size FROM pg_shmem_allocations WHERE name = 'owostack meters'")
    slots = place.value("SELECT slots FROM owo.meter_stats")
    return [at_most("shared memory per cached (meter, period)", size / slots, "bytes", 256)]
