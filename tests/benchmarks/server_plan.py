"""How long a plan takes over a tracking server that holds thousands of finished runs, by the arms and seeds that it asks for.

    python tests/benchmarks/server_plan.py [--runs 5000]

The runs are copies of the first one of a small study, some of them with the keys that the largest plan asks for; a further plan asks for
as many that are not there.
"""

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import chdir, closing, contextmanager
from pathlib import Path

from scale import copy

NAMES = "abcdefg"
FUNCTION = f"""
def train(seed, {", ".join(f"{name}=False" for name in NAMES)}):
    return 0.5 + 0.01 * seed
"""


def asked(features: str, seeds: int) -> list[str]:
    return [
        "subject=function",
        "subject.target=nothing.train",
        f"subject.features=[{','.join(NAMES)}]",
        f"features={features}",
        f"seeds={seeds}",
    ]


def command(folder: Path, *arguments: str, uri: str = "") -> float:
    """Run the command and return its seconds."""
    began = time.perf_counter()
    environment = {**os.environ, **({"MLFLOW_TRACKING_URI": uri} if uri else {})}
    ended = subprocess.run([sys.executable, "-m", "ablation", *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError(ended.stderr)
    print("   ", next((line for line in ended.stdout.splitlines() if line.startswith("finished already")), ""))
    return time.perf_counter() - began


def fill(folder: Path, count: int) -> None:
    """Copy a finished run until there are ``count``, the first of them with the keys of the largest plan, and write them into the index."""
    from ablation.configuration import asked_in_words
    from ablation.store.connection import Store
    from ablation.store.index import IndexWriter

    sys.path.insert(0, str(folder))
    with chdir(folder):
        keys = [trial.key for trial in asked_in_words(asked("factorial", "4")).study.trials]
    keys += [f"{number:032x}" for number in range(count - len(keys))]
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        query = "SELECT run_uuid FROM runs JOIN tags USING (run_uuid) WHERE key = 'ablation.key' LIMIT 1"
        first = database.execute(query).fetchone()[0]
        query = "SELECT value FROM tags WHERE run_uuid = ? AND key = 'mlflow.parentRunId'"
        parent = database.execute(query, (first,)).fetchone()[0]
        index = IndexWriter(Store(f"sqlite:///{folder / 'mlflow.db'}", "ablation"), parent, "copies")
        for number, key in enumerate(keys):
            new = f"{number:032x}"
            copy(database, "runs", {"run_uuid": new, "name": f"copy-{number}"}, first)
            copy(database, "tags", {"run_uuid": new}, first)
            database.execute("UPDATE tags SET value = ? WHERE run_uuid = ? AND key = 'ablation.key'", (key, new))
            for table in ("params", "latest_metrics"):
                copy(database, table, {"run_uuid": new}, first)
            index.add(key, new)
        database.commit()
    index.flush(now=True)


@contextmanager
def serving(folder: Path, port: int) -> Iterator[str]:
    """Serve a folder's store on loopback."""
    uri = f"http://127.0.0.1:{port}"
    words = ["server", "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen([sys.executable, "-m", "mlflow", *words], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        import requests

        while server.poll() is None:
            try:
                requests.get(f"{uri}/health", timeout=1)
                break
            except requests.RequestException:
                time.sleep(0.5)
        yield uri
    finally:
        server.terminate()
        server.wait(30)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "nothing.py").write_text(FUNCTION)
        command(folder, *asked("none", "1"))
        fill(folder, chosen.runs)
        with serving(folder, 5071) as uri:
            for features, seeds in (("cumulative", "1"), ("factorial", "4"), ("factorial", "[100,101,102,103]")):
                seconds = sorted(command(folder, *asked(features, seeds), "plan=true", uri=uri) for _ in range(3))
                spread = f"{seconds[1]:.1f} s ({seconds[0]:.1f} to {seconds[-1]:.1f}, n = 3)"
                print(f"features={features} seeds={seeds}, over {chosen.runs:,} runs: {spread}", flush=True)


if __name__ == "__main__":
    main()
