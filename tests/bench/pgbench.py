"""Runs one script of sql/ with pgbench, or with psql, and reads what it says."""

import os
import re
import statistics
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

SCRIPTS = Path(__file__).parent / "sql"
THREADS = 2
WARM = 1


@dataclass
class Bench:
    """Where scripts run: programs, server, database, and whose session."""

    programs: Path
    server: Path
    database: str
    role: str = "app"
    variables: dict[str, int] = field(default_factory=dict)

    def _run(self, program: str, *arguments: str, role: str | None = None, options: str = "") -> subprocess.CompletedProcess:
        command = [str(self.programs / program), "-h", str(self.server), "-U", role or self.role, *arguments]
        environment = {**os.environ, "PGOPTIONS": options}
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        if done.returncode != 0 or "ERROR" in done.stderr:
            raise RuntimeError(f"{' '.join(command)}\n{done.stdout[-500:]}\n{done.stderr[-2000:]}")
        return done

    def _pgbench(self, script: str, *arguments: str, options: str = "", **variables: int) -> subprocess.CompletedProcess:
        defined = [f"-D{name}={value}" for name, value in {**self.variables, **variables}.items()]
        path = str(SCRIPTS / f"{script}.sql")
        command = ["-n", "-M", "prepared", *defined, *arguments, "-f", path, self.database]
        return self._run("pgbench", *command, options=options)

    def rate(self, script: str, clients: int, seconds: int, warm: int = WARM, **variables: int) -> float:
        """Transactions a second, in the seconds after the first `warm`, when sessions connect and plan."""
        threads = str(min(THREADS, clients))
        length = str(warm + seconds)
        done = self._pgbench(script, "-c", str(clients), "-j", threads, "-T", length, "-P", "1", **variables)
        rates = [float(rate) for rate in re.findall(r"progress: [\d.]+ s, ([\d.]+) tps", done.stderr)]
        return statistics.mean(rates[warm:])

    def milliseconds(self, script: str, transactions: int = 1, **variables: int) -> float:
        """Mean duration of a transaction of one session."""
        done = self._pgbench(script, "-c", "1", "-t", str(transactions), **variables)
        return _number(r"latency average = ([\d.]+) ms", done.stdout)

    def median_milliseconds(self, script: str, transactions: int, **variables: int) -> float:
        """Median duration of a transaction of one session."""
        with tempfile.TemporaryDirectory() as folder:
            prefix = f"{folder}/log"
            self._pgbench(script, "-c", "1", "-t", str(transactions), "-l", "--log-prefix", prefix, **variables)
            lines = [line for log in Path(folder).iterdir() for line in log.read_text().splitlines()]
        return statistics.median(int(line.split()[2]) for line in lines) / 1000

    def each(self, script: str, clients: int, transactions: int, **variables: int):
        """Runs a script so often in each of so many sessions; how long it takes does not matter."""
        sessions = ["-c", str(clients), "-j", str(clients), "-t", str(transactions)]
        self._pgbench(script, *sessions, options="-c synchronous_commit=off", **{"n": 0, **variables})

    def psql(self, script: str, **variables: str | int) -> float:
        """Runs a script as superuser; how many milliseconds its last statement took."""
        defined = [part for name, value in variables.items() for part in ("-v", f"{name}={value}")]
        path = str(SCRIPTS / f"{script}.sql")
        timing = ("-c", r"\timing on", "-f", path)
        done = self._run("psql", "-X", "-q", *defined, "-d", self.database, *timing, role="postgres")
        return float(re.findall(r"Time: ([\d.]+) ms", done.stdout)[-1])


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    if not found:
        raise RuntimeError(f"no {pattern} in:\n{text}")
    return float(found[1])
