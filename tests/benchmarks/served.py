"""A tracking server on loopback, for the scripts that need one, and the studies that they run against it."""

import atexit
import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

FUNCTION = """
import random
import time


def train(seed, one=False, two=False, report=None):
    with open({trained!r}, "a") as file:
        file.write(f"{{seed}} {{one}} {{two}}\\n")
    for epoch in range(2):
        time.sleep({pause} / 2)
        report(epoch=epoch + 1, score=0.1 * epoch)
    return 0.5 + 0.05 * one - 0.02 * two + random.Random(f"{{seed}} {{one}} {{two}}").gauss(0, 0.01)
"""
STUDY = ("subject=function", "subject.target=nothing.train", "subject.features=[one,two]", "features=cumulative", "execution.workers=2")


def start_server(folder: Path, port: int, *options: str, backend: str = "", **variables: str) -> "subprocess.Popen[bytes]":
    """Start a server that keeps its files in a folder and hands them out itself, and wait until it answers."""
    words = ["--backend-store-uri", backend or f"sqlite:///{folder / 'mlflow.db'}", "--artifacts-destination", str(folder / "artifacts")]
    words += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1", *options]
    with (folder / "server.log").open("ab") as log:
        environment = {**os.environ, **variables}
        server = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *words],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    atexit.register(_kill, server)  # also where the script fails
    deadline = time.monotonic() + 180
    while server.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
            return server
        except urllib.error.HTTPError:
            return server  # which asks who is there
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"the server did not start: {(folder / 'server.log').read_text()[-2000:]}")


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def stop_server(server: "subprocess.Popen[bytes]", how: int) -> None:
    """End a server with all its processes."""
    os.killpg(server.pid, how)
    server.wait(60)


def _kill(server: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)


def write_function(folder: Path, trained: Path, pause: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nothing.py").write_text(FUNCTION.format(trained=str(trained), pause=pause))


def start_study(folder: Path, uri: str, *arguments: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "MLFLOW_TRACKING_URI": uri}
    with (folder / "out.txt").open("w") as out:
        words = [sys.executable, "-u", "-m", "ablation", *STUDY, *arguments]
        return subprocess.Popen(words, cwd=folder, env=environment, stdout=out, stderr=out, text=True)


def shown(folder: Path) -> str:
    """What the last study in a folder has printed."""
    return (folder / "out.txt").read_text()


def wait_for(folder: Path, words: str, process: "subprocess.Popen[str]") -> None:
    """Wait until a study has printed something."""
    while words not in shown(folder):
        if process.poll() is not None:
            raise RuntimeError(f"the study ended without '{words}': {shown(folder)}")
        time.sleep(0.1)


def scores(folder: Path, name: str) -> list[str]:
    """A study's table without its timings."""
    lines = (folder / "mlruns/studies" / name / "table.csv").read_text().splitlines()
    timed = [place for place, head in enumerate(lines[0].split(",")) if "second" in head]
    return [",".join(cell for place, cell in enumerate(line.split(",")) if place not in timed) for line in lines]


def statuses(uri: str, user: str = "") -> dict[str, int]:
    """How many runs of the experiment have which status; those that were trained count under ``trained`` too, each key once."""
    runs: list[Mapping[str, Any]] = []
    found = ask(uri, "experiments/get-by-name?experiment_name=ablation", None, user)
    body: dict[str, Any] = {"experiment_ids": [found["experiment"]["experiment_id"]], "max_results": 1000}
    while True:
        page = ask(uri, "runs/search", body, user)
        runs += page.get("runs", [])
        if not page.get("next_page_token"):
            break
        body["page_token"] = page["next_page_token"]
    counts: dict[str, int] = {}
    keys = []
    for run in runs:
        status = run["info"]["status"]
        counts[status] = counts.get(status, 0) + 1
        tags = {tag["key"]: tag["value"] for tag in run["data"].get("tags", [])}
        if "ablation.key" in tags and status == "FINISHED":
            keys.append(tags["ablation.key"])
    return {**counts, "trained": len(set(keys)), "twice": len(keys) - len(set(keys))}


def ask(uri: str, path: str, body: Mapping[str, Any] | None = None, user: str = "", method: str | None = None) -> dict[str, Any]:
    """Call the server's interface; ``user`` is a name and a password with a colon between."""
    headers = {"Content-Type": "application/json"}
    if user:
        headers["Authorization"] = f"Basic {base64.b64encode(user.encode()).decode()}"
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{uri}/api/2.0/mlflow/{path}", content, headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return dict(json.loads(answer.read() or b"{}"))
