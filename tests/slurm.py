"""What only a real SLURM can show: run by hand, ``python tests/slurm.py [settings of the study]``.

A study on jobs of which one is cancelled in mid-run has the scores of one on local workers with as many threads; the command ends without a
job left behind when it finishes, at Ctrl-C and when it is killed; inside a job that is requeued it continues. Prints a line for each.
``INTERFACE=lo`` chooses the network interface, such as for a SLURM of one node.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from proofs import COMMAND, PATIENCE, SMALL, begin, environment, finish, runs_ended, shown, table, until


def main() -> int:
    """Run the proofs; return how many have failed."""
    if shutil.which("sbatch") is None or not jobs_answer():
        print("No SLURM answers on this machine (sbatch and squeue); expected one to submit jobs to.")
        return 1
    # A shell lets what it starts in the background ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    settings = tuple(sys.argv[1:]) or SMALL
    with tempfile.TemporaryDirectory(prefix="ablation-slurm-") as folder:
        proofs = (same_scores_though_a_job_is_cancelled, nothing_is_left_at_the_end, a_requeued_job_continues, a_refused_job_is_named)
        return sum(shown(proof(Path(folder), settings)) for proof in proofs)


def on_slurm(*settings: str) -> tuple[str, ...]:
    """Return the command of a study on two jobs."""
    where = ("execution=slurm", "execution.jobs=2", "execution.memory=1500MB", "execution.walltime=60")
    interface = os.environ.get("INTERFACE")
    return (*COMMAND, *settings, *where, *([f"execution.interface={interface}"] if interface else []))


def same_scores_though_a_job_is_cancelled(folder: Path, settings: tuple[str, ...]) -> Iterator[tuple[bool, str]]:
    one, other = folder / "slurm", folder / "local"
    process = begin(one, on_slurm(*settings, "study.name=proof"))
    until(lambda: runs_ended(one) >= 1 or process.poll() is not None)
    before = set(jobs())
    victim = max(before, key=int)
    subprocess.run(["scancel", victim], check=True)
    another = until(lambda: len(set(jobs()) - before) == 1 or process.poll() is not None) and process.poll() is None
    out = process.communicate(timeout=PATIENCE)[0]
    yield process.returncode == 0, f"a study on SLURM finishes, exit status {process.returncode}, {out.count(']  ')} runs"
    said = f"job {victim} has ended; another one takes its place" in out
    yield said and another, f"job {victim}, cancelled in mid-run, is replaced by another one"
    yield until(lambda: not jobs(), 30), f"jobs left behind: {len(jobs())}"
    code, _ = finish(other, (*COMMAND, *settings, "study.name=proof"))
    yield code == 0, f"the study on local workers finishes, exit status {code}"
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
    until(lambda: runs_ended(folder / "running") >= 1 or process.poll() is not None)
    process.kill()
    process.communicate()
    yield until(lambda: not jobs(), 60), f"SIGKILL in mid-run: jobs left behind: {len(jobs())}"
    code, out = finish(folder / "running", on_slurm(*settings, "study.name=proof"))
    yield code == 0 and "finished already" in out, "the same command continues it"
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
    until(lambda: runs_ended(place) >= 1 or number not in jobs())
    # What SLURM sends of itself when the time is nearly over.
    subprocess.run(["scancel", "--batch", "--signal=TERM", number], check=True)
    until(lambda: number not in jobs())
    out = (place / "out").read_text()
    yield "finished already" in out, "a job that was told to end is requeued and continues"
    yield table(place) == table(folder / "slurm"), "with the same scores"


def a_refused_job_is_named(folder: Path, settings: tuple[str, ...]) -> Iterator[tuple[bool, str]]:
    code, out = finish(folder / "refused", (*on_slurm(*settings), "execution.partition=nowhere"))
    lines = [line for line in out.splitlines() if line.startswith("ablation:")]
    yield code == 1 and len(lines) == 1 and "partition" in lines[0], f"a partition that is none: {' '.join(lines)}"


def jobs_answer() -> bool:
    try:
        return subprocess.run(["squeue", "--noheader"], capture_output=True, timeout=30).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def jobs() -> list[str]:
    """Return the numbers of our jobs that wait or run."""
    lines = subprocess.run(["squeue", "--noheader", "--format=%A %j"], capture_output=True, text=True, check=True).stdout.splitlines()
    return sorted((line.split()[0] for line in lines if line.split()[1].startswith("ablation-")), key=int)


if __name__ == "__main__":
    sys.exit(main())
