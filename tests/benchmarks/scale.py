"""How time and memory grow: with arms, seeds, images, epochs and features of a study, and with the finished runs in the store."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil

TINY = (
    "data=sprites",
    "++data.source.train=320",
    "model.width=2",
    "training.epochs=2",
    "seeds=1",
    "catalogue.order=[augmentation,batch_norm,gap]",
)
WARPS = tuple(f"+catalogue.features.warp_{n}={{_target_: ablation.images.features.RandomWarp, rotation: {n}}}" for n in range(1, 10))
CURVES: dict[str, dict[str, tuple[str, ...]]] = {
    "seeds": {str(n): (f"seeds={n}",) for n in (1, 4, 16)},
    "epochs": {str(n): (f"training.epochs={n}",) for n in (2, 20, 200)},
    "images": {f"{n:,}": (f"++data.source.train={n}", "features=none") for n in (5_000, 15_000, 50_000)},
    "features": {
        str(n): (
            *WARPS,
            f"catalogue.order=[augmentation,batch_norm,gap{''.join(f',warp_{k}' for k in range(1, n - 2))}]",
        )
        for n in (3, 6, 12)
    },
}
STORED = (0, 1_000, 5_000)


def measure_scale() -> dict[str, Any]:
    """Measure every curve; print and return seconds and the largest process's bytes."""
    figures: dict[str, Any] = {}
    for curve, points in CURVES.items():
        figures[curve] = {}
        for point, arguments in points.items():
            with tempfile.TemporaryDirectory() as folder:
                seconds, memory = run(folder, *TINY, *arguments)
            figures[curve][point] = {"seconds": seconds, "bytes": memory}
            print(f"{curve} {point}: {seconds:.1f} s, {memory / 1e9:.2f} GB in the largest process", flush=True)
    figures["stored runs"] = {}
    with tempfile.TemporaryDirectory() as folder:
        run(folder, *TINY)
        for count in STORED:
            fill(Path(folder), count)
            seconds = min(run(folder, *TINY, "seeds=2", "plan=true")[0] for _ in range(3))
            figures["stored runs"][f"{count:,}"] = {"seconds": seconds}
            print(f"plan over {count:,} more finished runs: {seconds:.2f} s", flush=True)
    return figures


def run(folder: str, *arguments: str) -> tuple[float, int]:
    """Run a study; return its seconds, and the largest resident memory that any of its processes had."""
    began, largest = time.perf_counter(), 0
    process = subprocess.Popen([sys.executable, "-m", "ablation", *arguments], cwd=folder, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        for each in (psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)):
            try:
                largest = max(largest, each.memory_info().rss)
            except psutil.Error:
                continue
        time.sleep(0.05)
    if process.returncode:
        raise RuntimeError(f"'{' '.join(arguments)}' ended with {process.returncode}")
    return time.perf_counter() - began, largest


def fill(folder: Path, count: int) -> None:
    """Copy the store's first finished run until there are ``count`` more of other keys, artifacts included."""
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        query = "SELECT runs.run_uuid, artifact_uri FROM runs JOIN tags USING (run_uuid) WHERE key = 'ablation.key' LIMIT 1"
        first, artifacts = database.execute(query).fetchone()
        there = database.execute("SELECT COUNT(*) FROM runs WHERE name LIKE 'copy-%'").fetchone()[0]
        for number in range(there, count):
            new = f"{number:032x}"
            place = artifacts.replace(first, new)
            copy(database, "runs", {"run_uuid": new, "name": f"copy-{number}", "artifact_uri": place}, first)
            copy(database, "tags", {"run_uuid": new}, first)
            database.execute("UPDATE tags SET value = ? WHERE run_uuid = ? AND key = 'ablation.key'", (new, new))
            for table in ("params", "latest_metrics"):
                copy(database, table, {"run_uuid": new}, first)
            os.makedirs(place)
            shutil.copy(Path(artifacts) / "result.json", place)
        database.commit()


def copy(database: sqlite3.Connection, table: str, changed: dict[str, str], first: str) -> None:
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    values = ", ".join("?" if column in changed else column for column in columns)
    database.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} WHERE run_uuid = ?",
        (*[changed[column] for column in columns if column in changed], first),
    )
