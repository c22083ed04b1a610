"""Jobs of a batch system as workers, with stand-ins for SLURM's commands that run each job as a process of this machine."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from test_schedule import Trained
from test_workers import until

from ablation.engine.execution import Batch
from ablation.engine.execution.batch import SYSTEMS, Queue
from ablation.engine.worker import packed
from ablation.errors import InputError

SLURM = {
    "sbatch": 'case "$(cat "$1")" in *"-p nowhere"*) echo "sbatch: error: invalid partition specified: nowhere" >&2; exit 1;; esac\n'
    'number=$(($(ls "$JOBS" | wc -l) + 17)); cp "$1" "$JOBS/$number"; setsid sh "$JOBS/$number" >/dev/null 2>&1 &\n'
    'echo $! > "$JOBS/$number.pid"; echo "Submitted batch job $number"',
    "squeue": 'for job in "$JOBS"/*.pid; do kill -0 "$(cat "$job")" 2>/dev/null && echo "$(basename "$job" .pid) RUNNING"; done; true',
    "scancel": 'for job in "$JOBS"/*.pid; do kill -KILL -- "-$(cat "$job")" 2>/dev/null; done; true',
}


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which a stand-in for SLURM keeps the process of each job."""
    folder = tmp_path / "jobs"
    programs = tmp_path / "bin"
    for each in (folder, programs):
        each.mkdir()
    for name, lines in SLURM.items():
        (programs / name).write_text(f"#!/bin/sh\n{lines}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("JOBS", str(folder))
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    monkeypatch.chdir(tmp_path)
    return folder


def alive(folder: Path) -> list[int]:
    found = []
    for file in folder.glob("*.pid"):
        pid = int(file.read_text())
        status = Path(f"/proc/{pid}/status")
        if status.is_file() and "State:\tZ" not in status.read_text():
            found.append(pid)
    return found


def test_a_job_that_ends_is_replaced_and_none_is_left(jobs: Path) -> None:
    with Batch("slurm", interface="lo").open(packed(Trained(0.0)), print) as pool:
        until(lambda: pool.slots == 1, 120)
        assert pool.submit(os.getenv, "OMP_NUM_THREADS").result(60) == "1"
        assert pool.threads == 1
        [job] = alive(jobs)
        os.killpg(job, signal.SIGKILL)
        said: list[str] = []
        until(lambda: said.extend(pool.news()) or any("another one takes its place" in line for line in said), 60)
        until(lambda: pool.slots == 1 and alive(jobs), 120)
        assert pool.submit(os.getppid).result(60)
    until(lambda: not alive(jobs))


def test_a_job_that_is_refused_is_named(jobs: Path) -> None:
    with (
        Batch("slurm", interface="lo", partition="nowhere").open(packed(Trained(0.0)), print) as pool,
        pytest.raises(InputError, match="SLURM has refused a job: sbatch: error: invalid partition specified: nowhere"),
    ):
        until(lambda: pool.news() and False, 60)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"system": "sge"}, "execution.system=sge is not known"),
        ({"jobs": 0}, "execution.jobs must be a whole number of at least 1"),
        ({"memory": 4}, "execution.memory=4 is no amount of memory; expected for instance 4GB"),
        ({"walltime": "soon"}, "execution.walltime=soon is no time"),
        ({"gpus": -1}, "execution.gpus must be a whole number of at least 0"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Batch(**{"system": "slurm", **settings})


def test_a_machine_that_cannot_submit_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InputError, match="needs the command sbatch"), Batch("slurm").open(packed(Trained(0.0)), print):
        pass


def test_what_is_waited_for_names_the_jobs() -> None:
    queue = Queue(SYSTEMS["slurm"], "name", 8)
    assert queue.words() == "waiting for workers: 0 of 8"
    queue.states = {"17": "PENDING"}
    assert queue.words() == "waiting for workers: 0 of 8, job 17 is queued"
    queue.states = {**dict.fromkeys(map(str, range(17, 22)), "PENDING"), "22": "RUNNING", "23": "RUNNING"}
    assert queue.words() == "waiting for workers: 0 of 8, jobs 17, 18, 19 and 2 more are queued and jobs 22 and 23 have started"
