"""A private Redis that writes every change to disk before it answers, with the limit as a script."""

import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

SCRIPT = Path(__file__).parent / "sql/check_and_add.lua"
LIMIT = 1_000_000_000_000


class Redis:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="owostack-redis.")
        self.socket = f"{self.folder}/socket"
        settings = ["--port", "0", "--unixsocket", self.socket, "--dir", self.folder, "--save", "",
                    "--appendonly", "yes", "--appendfsync", "always"]  # fmt: skip
        self.process = subprocess.Popen(["redis-server", *settings], stdout=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while subprocess.run(["redis-cli", "-s", self.socket, "ping"], capture_output=True).returncode != 0:
            if time.monotonic() > end:
                raise RuntimeError("redis-server did not start")
            time.sleep(0.05)
        self.script = self.command("script", "load", SCRIPT.read_text())
        self.per_second = self._requests(20_000, 64)

    def command(self, *words: str) -> str:
        done = subprocess.run(["redis-cli", "-s", self.socket, *words], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def _requests(self, count: int, clients: int) -> float:
        call = ["EVALSHA", self.script, "1", "hot", "1", str(LIMIT)]
        command = ["redis-benchmark", "-s", self.socket, "-c", str(clients), "-n", str(count), "--csv", *call]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return float(re.findall(r'^"[^"]*","([\d.]+)"', done.stdout, re.M)[-1])

    def rate(self, clients: int, seconds: float) -> float:
        """Counted units a second; redis-benchmark is told how many, so the last rate says how many last long enough."""
        self.per_second = self._requests(max(1000, round(self.per_second * seconds)), clients)
        return self.per_second

    def version(self) -> str:
        return re.search(r"redis_version:(\S+)", self.command("info", "server"))[1]

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)
