"""What only a real SLURM can show: run by hand, ``python tests/slurm.py [settings of the study]``.

A study on jobs of which one is cancelled in mid-run has the scores of one on local workers with as many threads; the command ends without a
job left behind when it finishes, at Ctrl-C and when it is killed; inside a job that is requeued it continues. Prints a line for each.
``INTERFACE=lo`` chooses the network interface, such as for a SLURM of one node.
"""

import csv
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SMALL = ("features=cumulative", "catalogue.order=[batch_norm,gap]", "data=digits", "data.limit=400", "model.width=2", "training.epochs=8")
COMMAND = (sys.executable, "-m", "ablation")
PATIENCE = 1_800


def main() -> int:
    """Run the proofs; return how many have failed."""
    if shutil.which("sbatch") is None or not jobs_answer():
        print("No SLURM answers on this machine (sbatch and squeue); expected one to submit jobs to.")
        return 1
    # A shell lets what it starts in the background ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    settings = tuple(sys.argv[1:]) or SMALL
    failed = 0
    with tempfile.TemporaryDirectory(prefix="ablation-slurm-") as name:
        folder = Path(name)
        for proof in (same_scores_though_a_job_is_cancelled, nothing_is_left_at_the_end, a_requeued_job_continues, a_refused_job_is_told):
            began = time.monotonic()
            for line in proof(folder, settings):
                good, words = line
                failed += not good
                print(f"{'holds' if good else 'FAILS'}  {words}  ({time.monotonic() - began:.0f} s)", flush=True)
    return failed


def on_slurm(*settings: str) -> tuple[str, ...]:
    """Return the command of a study on two jobs."""
    where = ("execution=slurm", "execution.jobs=2", "execution.memory=1500MB", "execution.walltime=60")
    interface = os.environ.get("INTERFACE")
    return (*COMMAND, *settings, *where, *([f"execution.interface={interface}"] if interface else []))


def same_scores_though_a_job_is_cancelled(folder: Path, settings: tuple[str, ...]) -> Iterator[tuple[bool, str]]:
    one, other = folder / "slurm", folder / "local"
    process = begin(one, on_slurm(*settings, "study.name=proof"))
    until(lambda: runs_ended(one, "proof") >= 1 or process.poll() is not None)
    victim = jobs()[-1]
    subprocess.run(["scancel", victim], check=True)
    out = process.communicate(timeout=PATIENCE)[0]
    yield process.returncode == 0, f"a study on SLURM finishes, exit status {process.returncode}, {out.count(']  ')} runs"
    yield f"job {victim} has ended; another one takes its place" in out, f"job {victim}, cancelled in mid-run, is replaced"
    yield until(lambda: not jobs(), 30), f"jobs left behind: {len(jobs())}"
    done = finish(other, (*COMMAND, *settings, "study.name=proof"))
    yield done.returncode == 0, f"the study on local workers finishes, exit status {done.returncode}"
    pairs = list(zip(table(one), table(other), strict=True))
    yield all(a == b for a, b in pairs), f"equal scores in {sum(a == b for a, b in pairs)} of {len(pairs)} runs"


def nothing_is_left_at_the_end(folder: Path, settings: tuple[str, ...]) -> Iterator[tuple[bool, str]]:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        process = begin(folder / number.name, on_slurm(*settings, "study.name=proof"))
        until(lambda process=process: len(jobs()) == 2 or process.poll() is not None)
        process.send_signal(number)
        out = process.communicate(timeout=PATIENCE)[0]
        none = until(lambda: not jobs(), 60)
        yield none and "Traceback" not in out, f"{number.name}: exit status {process.returncode}, jobs left behind: {len(jobs())}"
    process = begin(folder / "running", on_slurm(*settings, "study.name=proof"))
    until(lambda: runs_ended(folder / "running", "proof") >= 1 or process.poll() is not None)
    process.kill()
    process.communicate()
    yield until(lambda: not jobs(), 60), f"SIGKILL in mid-run: jobs left behind: {len(jobs())}"
    done = finish(folder / "running", on_slurm(*settings, "study.name=proof"))
    yield done.returncode == 0 and "finished already" in done.stdout, "the same command continues it"
    yield table(folder / "running") == table(folder / "slurm"), "with the same scores"


REQUEUED = """#!/bin/sh
#SBATCH --job-name=ablation-requeued --requeue --open-mode=append --ntasks=1 --cpus-per-task=1 --mem=1500MB --time=60
#SBATCH --signal=B:TERM@25
trap 'kill -TERM "$child"; wait "$child"; scontrol requeue "$SLURM_JOB_ID"; exit 0' TERM
{command} &
child=$!
wait "$child"
"""


def a_requeued_job_continues(folder: Path, settings: tuple[str, ...]) -> Iterator[tuple[bool, str]]:
    place = folder / "requeued"
    place.mkdir()
    command = " ".join(f"'{word}'" for word in (*COMMAND, *settings, "study.name=proof", "execution.workers=1"))
    (place / "job.sh").write_text(REQUEUED.format(command=command))
    answer = subprocess.run(["sbatch", "--parsable", "-o", "out", "job.sh"], cwd=place, env=environment(), capture_output=True, text=True)
    number = answer.stdout.strip()
    until(lambda: runs_ended(place, "proof") >= 1 or number not in jobs())
    # What SLURM sends of itself when the time is nearly over.
    subprocess.run(["scancel", "--batch", "--signal=TERM", number], check=True)
    until(lambda: number not in jobs())
    out = (place / "out").read_text()
    yield "finished already" in out, "a job that was told to end is requeued and continues"
    yield table(place) == table(folder / "slurm"), "with the same scores"


def a_refused_job_is_told(folder: Path, settings: tuple[str, ...]) -> Iterator[tuple[bool, str]]:
    done = finish(folder / "refused", (*on_slurm(*settings), "execution.partition=nowhere"))
    lines = [line for line in done.stderr.splitlines() + done.stdout.splitlines() if line.startswith("ablation:")]
    yield done.returncode == 1 and len(lines) == 1 and "partition" in lines[0], f"a partition that is none: {' '.join(lines)}"


# ---- what the proofs share ------------------------------------------------------------------------------------------------------


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def begin(folder: Path, command: tuple[str, ...]) -> "subprocess.Popen[str]":
    folder.mkdir(exist_ok=True)
    return subprocess.Popen(command, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(folder: Path, command: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
    folder.mkdir(exist_ok=True)
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=PATIENCE)


def jobs_answer() -> bool:
    try:
        return subprocess.run(["squeue", "--noheader"], capture_output=True, timeout=30).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def jobs() -> list[str]:
    """Return the numbers of our jobs that wait or run."""
    lines = subprocess.run(["squeue", "--noheader", "--format=%A %j"], capture_output=True, text=True, check=True).stdout.splitlines()
    return sorted((line.split()[0] for line in lines if line.split()[1].startswith("ablation-")), key=int)


def runs_ended(folder: Path, study: str) -> int:
    """Return how many runs have ended in a folder, without MLflow's slow client."""
    import sqlite3
    from contextlib import closing

    try:
        with closing(sqlite3.connect(f"file:{folder / 'mlflow.db'}?mode=ro", uri=True)) as connection:
            query = "SELECT COUNT(*) FROM runs JOIN tags USING (run_uuid) WHERE tags.key = 'ablation.key' AND status = 'FINISHED'"
            return int(connection.execute(query).fetchone()[0])
    except sqlite3.Error:
        return 0


def table(folder: Path) -> list[tuple[str, str, str]]:
    """Return arm, seed and score of every run of the study."""
    with (folder / "mlruns/studies/proof/runs.csv").open() as file:
        rows = list(csv.DictReader(file))
    score = next(name for name in rows[0] if name in ("val_accuracy", "score"))
    return sorted((row["arm"], row["seed"], row[score]) for row in rows)


def until(reached: Callable[[], object], seconds: float = PATIENCE) -> bool:
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.3)
    return True


if __name__ == "__main__":
    sys.exit(main())
