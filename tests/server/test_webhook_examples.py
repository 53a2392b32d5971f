"""The examples that forward webhooks, run as they stand: what is genuine arrives byte for byte, the rest is refused."""

import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from preloaded import wait_for
from webhook import PROVIDERS, ROOT, SECRETS, organization, samples, sign

EXAMPLES = ROOT / "examples/webhooks"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def express(port: int, environment: dict) -> subprocess.Popen:
    """Installed once below build, with the versions of the lock file."""
    folder = ROOT / "build/example-express"
    lock = EXAMPLES / "express/package-lock.json"
    installed = folder / "package-lock.json"
    if not installed.exists() or installed.read_text() != lock.read_text():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copy(EXAMPLES / "express/package.json", folder)
        shutil.copy(lock, folder)
        command = ["npm", "ci", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode != 0:
            installed.unlink()
        assert done.returncode == 0, done.stdout + done.stderr
    shutil.copy(EXAMPLES / "express/server.js", folder)
    return subprocess.Popen(["node", "server.js"], cwd=folder, env={**environment, "PORT": str(port)})


def fastapi(port: int, environment: dict) -> subprocess.Popen:
    command = [sys.executable, "-B", "-m", "uvicorn", "app:app", "--port", str(port), "--log-level", "warning"]
    return subprocess.Popen(command, cwd=EXAMPLES / "fastapi", env=environment)


def post(port: int, path: str, headers: dict, body: bytes) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("start", [express, fastapi])
def test_an_example_forwards_webhooks(database, start):
    organization(database, "shop", SECRETS)
    environment = {**os.environ, "PGUSER": "owo_hook", "PGDATABASE": database.name, "PGOPTIONS": "-c owostack.organization=shop"}
    port = free_port()
    program = start(port, environment)
    try:
        wait_for(lambda: program.poll() is not None or is_open(port), f"{start.__name__} listens")
        bodies = []
        for provider in PROVIDERS:
            _, body = next(samples(provider))
            # Blanks that no parser keeps, and text beyond ASCII.
            body = body.replace(b"{", '{"note": "₦5,000 — naïve",  '.encode(), 1) + b"\n "
            headers = sign(provider, body)
            assert post(port, f"/webhooks/{provider}", headers, body) == 200, provider
            assert post(port, f"/webhooks/{provider}", headers, body) == 200, provider
            assert post(port, f"/webhooks/{provider}", headers, body + b" ") == 401, provider
            assert post(port, f"/webhooks/{provider}", {}, body) == 401, provider
            bodies.append(body)
        assert post(port, "/webhooks/paypal", {}, b"{}") == 500
    finally:
        program.terminate()
        program.wait(30)
    kept = database.rows("SELECT body FROM owo.webhook_event", role="postgres")
    assert sorted(bytes(row[0]) for row in kept) == sorted(bodies)
