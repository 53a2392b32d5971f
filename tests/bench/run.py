"""Measures every target of the design that can be measured, in one run, and writes a table and a chart.

BENCH=quick takes about three minutes; BENCH_SECONDS and BENCH_ROUNDS set how long and how often each script runs;
BENCH_ONLY names groups. Called by tests/lib/bench.sh, which builds and installs.
"""

import os
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

import bulk
import chart
import reads
import report
import sending
import tracks
from place import ROOT, Place
from redis_peer import Redis

OUTPUT = ROOT / "build/bench"


@dataclass
class Settings:
    seconds: int
    rounds: int
    customers: int
    rows: int
    calls: int
    folding: int
    warm: int
    webhooks: int

    @staticmethod
    def read() -> "Settings":
        quick = os.environ.get("BENCH") == "quick"
        number = lambda name, value: int(os.environ.get(name) or value)  # noqa: E731
        if quick:
            return Settings(number("BENCH_SECONDS", 2), number("BENCH_ROUNDS", 1), 10_000, 200_000, 2, 10, 3, 2_000)
        return Settings(number("BENCH_SECONDS", 10), number("BENCH_ROUNDS", 3), number("BENCH_CUSTOMERS", 100_000), 1_000_000, 4, 60, number("BENCH_WARM", 15), 10_000)

    def words(self) -> str:
        return f"{self.rounds} rounds of {self.seconds} s after a second to connect"


def main() -> int:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    settings = Settings.read()
    load = os.getloadavg()[0]
    only = os.environ.get("BENCH_ONLY", "").split()
    panels: dict[str, dict[str, float]] = {}
    results: list[report.Result] = []
    print(f"==> servers, {settings.customers:,} customers", flush=True)
    place = Place("bench", "shared", settings.customers, "off")
    table = Place("bench-table", "table", 1, "on")
    redis = Redis()
    groups = {
        # first, while no customer has been loaded
        "cold": lambda: reads.cold(place, settings, panels),
        "wire": lambda: reads.wire(place, settings, panels),
        "inside": lambda: reads.inside(place, settings, panels),
        "hot": lambda: tracks.hot(place, table, redis, settings, panels),
        "work": lambda: tracks.work(place, table, settings, panels),
        "backlog": lambda: tracks.backlog(place, settings, panels),
        "folding": lambda: tracks.folding(place, settings, panels),
        "spread": lambda: tracks.spread(place, settings, panels),
        "batch": lambda: bulk.batch(place, settings, panels),
        "copy": lambda: bulk.copy(place, settings, panels),
        "policy": lambda: reads.policy(place, settings, panels),
        "many": lambda: reads.many(place, settings, panels),
        "memory": lambda: reads.memory(place, settings, panels),
        "webhooks": lambda: sending.webhooks(place, settings, panels),
        "calls": lambda: sending.calls(place, settings, panels),
    }
    try:
        versions = [f"Postgres {place.value('SHOW server_version').split()[0]}", f"Redis {redis.version()}"]
        for name, measure in groups.items():
            if only and name not in only:
                continue
            print(f"==> {name}", flush=True)
            try:
                found = measure()
            except Exception:
                traceback.print_exc()
                found = [report.failed(name)]
            results += found
            print("".join(result.line() for result in found), end="", flush=True)
        wrong = place.rows("SELECT * FROM owo_verify()")
        if wrong:
            results.append(report.failed(f"the books: owo_verify() finds {len(wrong)} differences"))
    finally:
        redis.stop()
        place.destroy()
        table.destroy()
    text = report.markdown(results, settings.words(), versions, load)
    (OUTPUT / "result.md").write_text(text)
    if panels:
        chart.draw(panels, report.machine(versions), OUTPUT / "result.svg")
    print(f"\n{text}\nwritten to {OUTPUT.relative_to(ROOT)}")
    return 1 if any(result.ours == "failed" for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
