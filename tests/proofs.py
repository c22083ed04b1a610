"""What the proofs that are run by hand share: studies as processes, their tables, and patience."""

import csv
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SMALL = (
    "features=cumulative",
    "catalogue.order=[batch_norm,gap]",
    "data=digits",
    "data.limit=400",
    "model.width=2",
    "training.epochs=8",
    "seeds=3",
)
COMMAND = (sys.executable, "-m", "ablation")
PATIENCE = 1_800


def shown(lines: Iterable[tuple[bool, str]]) -> int:
    """Print what holds and what does not, each with the seconds since the last; return how many do not."""
    failed, began = 0, time.monotonic()
    for good, words in lines:
        failed += not good
        print(f"{'holds' if good else 'FAILS'}  {words}  ({time.monotonic() - began:.0f} s)", flush=True)
        began = time.monotonic()
    return failed


def environment(**more: str) -> dict[str, str]:
    """Return the variables of a process that has this checkout's package."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **more}


def begin(folder: Path, command: tuple[str, ...]) -> "subprocess.Popen[str]":
    """Start a study in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen(command, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(folder: Path, command: tuple[str, ...]) -> tuple[int, str]:
    """Conduct a study in a folder; return its exit status and all that it printed."""
    process = begin(folder, command)
    out = process.communicate(timeout=PATIENCE)[0]
    return process.returncode, out


def runs_ended(folder: Path) -> int:
    """Return how many runs have ended in a folder, without MLflow's slow client."""
    try:
        with closing(sqlite3.connect(f"file:{folder / 'mlflow.db'}?mode=ro", uri=True)) as connection:
            query = "SELECT COUNT(*) FROM runs JOIN tags USING (run_uuid) WHERE tags.key = 'ablation.key' AND status = 'FINISHED'"
            return int(connection.execute(query).fetchone()[0])
    except sqlite3.Error:
        return 0


def table(folder: Path) -> list[tuple[str, str, str]]:
    """Return arm, seed and score of every run of the study called ``proof``; empty where it has not come to its end."""
    file = folder / "mlruns/studies/proof/runs.csv"
    if not file.is_file():
        return []
    with file.open() as opened:
        rows = list(csv.DictReader(opened))
    score = next(name for name in rows[0] if name in ("val_accuracy", "score"))
    return sorted((row["arm"], row["seed"], row[score]) for row in rows)


def until(reached: Callable[[], object], seconds: float = PATIENCE) -> bool:
    """Wait until something is so, or for that long; return whether it is."""
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.3)
    return True
