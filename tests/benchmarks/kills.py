"""A study killed with SIGKILL at moments spread over all it does, and continued: nothing lost, nothing doubled, the same table.

    python tests/benchmarks/kills.py [--moments 20]

The study has 18 runs of a function that trains nothing; 12 of them are copies of another study's runs. It is killed with all its processes
and then given again: a quarter of the times while it starts, three eighths while it copies, trains and logs, and three eighths after the
last training, while it logs, draws and closes. Each part's moments are spread evenly over the time that the part took without a kill.
"""

import argparse
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from ablation.store.moved import repair

FUNCTION = """
import os
import random
import time


def train(seed, one=False, two=False, report=None):
    with open("trained.txt", "a") as file:
        file.write(f"{seed} {one} {two}\\n")
    for epoch in range(3):
        time.sleep(0.1)
        report(epoch=epoch + 1, score=0.1 * epoch)
    return 0.5 + 0.05 * one - 0.02 * two + random.Random(f"{seed} {one} {two}").gauss(0, 0.01)
"""
SUBJECT = ("subject=function", "subject.target=nothing.train", "subject.features=[one,two]", "seeds=6", "execution.workers=2")
OTHERS = (*SUBJECT, "features=leave_one_out", "study.name=others")
STUDY = (*SUBJECT, "features=cumulative", "study.name=killed")
RUNS, COPIES = 18, 12

FINISHED = """
    SELECT runs.run_uuid, keys.value FROM runs
    JOIN tags AS keys ON keys.run_uuid = runs.run_uuid AND keys.key = 'ablation.key'
    WHERE runs.status = 'FINISHED'
"""
COPIED = """
    SELECT runs.run_uuid, runs.status, (SELECT COUNT(*) FROM latest_metrics WHERE latest_metrics.run_uuid = runs.run_uuid)
    FROM runs JOIN tags ON tags.run_uuid = runs.run_uuid AND tags.key = 'ablation.copy_of'
"""


def start(folder: Path, arguments: tuple[str, ...]) -> "subprocess.Popen[str]":
    words = [sys.executable, "-m", "ablation", *arguments]
    return subprocess.Popen(words, cwd=folder, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def whole(folder: Path, arguments: tuple[str, ...]) -> str:
    process = start(folder, arguments)
    out, _ = process.communicate(timeout=600)
    if process.returncode:
        raise RuntimeError(out)
    return str(out)


def rows(folder: Path, query: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        return database.execute(query).fetchall()


def scores(folder: Path) -> list[str]:
    """The study's table without its timings."""
    lines = (folder / "mlruns/studies/killed/table.csv").read_text().splitlines()
    timed = [place for place, head in enumerate(lines[0].split(",")) if "second" in head]
    return [",".join(cell for place, cell in enumerate(line.split(",")) if place not in timed) for line in lines]


ALREADY, LAST = "of 18 runs are finished already", "[18/18]"
"""What the study shows when it has started, and when the last run has ended."""


def shown_until(process: "subprocess.Popen[str]", words: str) -> str:
    """Read what a study shows up to a line with these words; of no words, nothing."""
    shown = ""
    assert process.stdout is not None
    while words and words not in shown:
        line = process.stdout.readline()
        if not line:
            break
        shown += line
    return shown


def parts(folder: Path) -> list[tuple[str, float]]:
    """Conduct the study, and return with what each part of it begins and how many seconds it takes."""
    began = time.perf_counter()
    process = start(folder, STUDY)
    times = [began]
    for words in (ALREADY, LAST):
        shown_until(process, words)
        times.append(time.perf_counter())
    process.communicate(timeout=600)
    times.append(time.perf_counter())
    return [(words, end - begin) for words, begin, end in zip(("", ALREADY, LAST), times, times[1:], strict=False)]


def spread(found: list[tuple[str, float]], moments: int) -> list[tuple[str, float]]:
    """Return after which words, and how many seconds later, the study is killed."""
    first = moments // 4
    counts = (first, (moments - first) // 2, moments - first - (moments - first) // 2)
    return [
        (words, seconds * (number + 0.5) / count) for (words, seconds), count in zip(found, counts, strict=True) for number in range(count)
    ]


def stage(folder: Path, shown: str) -> str:
    """Say what the study was doing, by what it has shown and left."""
    if ALREADY not in shown:
        return "starting"
    if LAST not in shown:
        copied = sum(status == "FINISHED" for _, status, _ in rows(folder, COPIED))
        return "copying" if copied < COPIES else "training and logging"
    if not (folder / "mlruns/studies/killed/findings.json").is_file():
        return "logging and drawing"
    return "closing" if rows(folder, "SELECT 1 FROM runs WHERE name = 'killed' AND status = 'RUNNING'") else "ended"


def faults(folder: Path, before: set[tuple[str, ...]], reference: list[str]) -> list[str]:
    """Return what is wrong with a study that was killed and given again."""
    found = []
    finished = rows(folder, FINISHED)
    keys = [key for _, key in finished]
    if not before <= set(finished):
        found.append("a finished run was lost")
    if len(keys) != len(set(keys)):
        found.append("a run is there twice")
    if left := rows(folder, "SELECT name FROM runs WHERE status = 'RUNNING'"):
        found.append(f"left running: {left}")
    if any(status != "FINISHED" or not metrics for _, status, metrics in rows(folder, COPIED)):
        found.append("a copy is damaged")
    if len(rows(folder, COPIED)) != COPIES:
        found.append(f"{len(rows(folder, COPIED))} copies")
    trained = (folder / "trained.txt").read_text().splitlines()
    if len(trained) - len(set(trained)) > 2:
        found.append(f"{len(trained) - len(set(trained))} runs were made again, and two were in hand")
    if scores(folder) != reference:
        found.append("another table")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=20)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        base = Path(name) / "base"
        base.mkdir()
        (base / "nothing.py").write_text(FUNCTION)
        whole(base, OTHERS)

        def fresh(label: str) -> Path:
            folder = Path(name) / label
            shutil.copytree(base, folder)
            # A copy of a store names the files of the original.
            base.rename(base.with_name("away"))
            list(_repaired(folder))
            base.with_name("away").rename(base)
            return folder

        undisturbed = fresh("undisturbed")
        found = parts(undisturbed)
        reference = scores(undisturbed)
        print(f"undisturbed: {', '.join(f'{seconds:.1f} s' for _, seconds in found)}", flush=True)
        bad = 0
        for moment, (words, after) in enumerate(spread(found, chosen.moments)):
            folder = fresh(f"moment-{moment}")
            process = start(folder, STUDY)
            shown = shown_until(process, words)
            time.sleep(after)
            os.killpg(process.pid, signal.SIGKILL)
            shown += process.communicate()[0]
            at = stage(folder, shown)
            before = set(rows(folder, FINISHED))
            try:
                whole(folder, STUDY)
                wrong = faults(folder, before, reference)
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                wrong = [f"it could not be continued: {error}"]
            bad += bool(wrong)
            verdict = "; ".join(wrong) or "all there, once, the same table"
            print(f"killed {after:4.1f} s after {words or 'its start':<35} {at:<22} {verdict}", flush=True)
            shutil.rmtree(folder, ignore_errors=True)
        print(f"{chosen.moments - bad} of {chosen.moments} moments without a fault")
    sys.exit(bool(bad))


def _repaired(folder: Path) -> list[str]:
    here = Path.cwd()
    os.chdir(folder)
    try:
        return list(repair(folder / "mlflow.db"))
    finally:
        os.chdir(here)


if __name__ == "__main__":
    main()
