"""Results as a Markdown table. Only what was measured in this run stands in it."""

import os
from dataclasses import dataclass

HEAD = "| what | ours | peer | ratio | target | met |\n|---|---|---|---|---|---|\n"


@dataclass
class Result:
    """One row: a ratio to a peer of the same run, or a number of ours alone."""

    what: str
    ours: str
    peer: str
    ratio: str
    target: str
    met: bool | None

    def line(self) -> str:
        met = {True: "yes", False: "**no**", None: ""}[self.met]
        return f"| {self.what} | {self.ours} | {self.peer} | {self.ratio} | {self.target} | {met} |\n"


def per_second(number: float) -> str:
    return f"{number:,.0f}/s"


def against(what: str, ours: float, peer: float, name: str, least: float | None) -> Result:
    """A rate of ours beside a rate of a peer's."""
    ratio = ours / peer
    target = "" if least is None else f"{least:.2f}x" if least < 1 else f"{least:g}x"
    met = None if least is None else ratio >= least
    return Result(what, per_second(ours), f"{name} {per_second(peer)}", f"{ratio:.2f}x", target, met)


def at_least(what: str, ours: float, least: float) -> Result:
    return Result(what, per_second(ours), "", "", per_second(least), ours >= least)


def at_most(what: str, ours: float, unit: str, most: float, peer: str = "") -> Result:
    return Result(what, f"{ours:.2f} {unit}", peer, "", f"{most:g} {unit}", ours <= most)


def failed(what: str) -> Result:
    return Result(what, "failed", "", "", "", False)


def machine(versions: list[str]) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB of memory, {', '.join(versions)}"


def markdown(results: list[Result], settings: str, versions: list[str], load: float) -> str:
    missed = [result.what for result in results if result.met is False]
    busy = f"Other work was running on the machine: load average {load:.1f} before the run.\n" if load >= 1 else ""
    verdict = f"Missed: {'; '.join(missed)}." if missed else "Every target that was measured is met."
    return (
        "# Benchmark\n\n"
        f"Made by `make bench` on {machine(versions)}; {settings}.\n"
        "Clients, server and peers share the machine; rounds are interleaved, each number is a median.\n"
        f"{busy}"
        "Each script is in `tests/bench/sql` and says in its head how to run it alone.\n\n"
        f"{HEAD}{''.join(result.line() for result in results)}\n{verdict}\n"
    )
