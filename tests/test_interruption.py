"""Whatever stops a study, a person, a crash or a second start, the same command continues it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from command import ASKED, Ended, in_this_process, line_of, logged, report_in_this_process, start, table, write_function

from ablation.errors import InputError

SAME = (*ASKED, "seeds=2", "study.name=first")
STUDY = (*SAME, "execution.workers=2")
PAUSE = 0.4
"""Seconds of each of a run's two epochs, so that there is something to interrupt."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """The study without an interruption."""
    folder = tmp_path_factory.mktemp("whole")
    write_function(folder)
    return folder, in_this_process(folder, *SAME)


def test_a_killed_study_continues_where_it_was(whole: tuple[Path, Ended], tmp_path: Path) -> None:
    folder, ended = whole
    assert ended.code == 0, ended.out
    write_function(tmp_path, PAUSE)
    process = start(tmp_path, *STUDY)
    line_of(process, "[2/6]")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    finished = {run.info.run_id for run in logged(tmp_path).trained}
    there = {run.data.tags["ablation.key"] for run in logged(tmp_path).trained} | {
        file.stem for file in tmp_path.glob("mlruns/journal/*/*.run")
    }
    assert 2 <= len(there) < 6

    ended = in_this_process(tmp_path, *SAME)
    assert ended.code == 0, ended.out
    assert f"{len(there)} of 6 runs are finished already" in ended.out
    store = logged(tmp_path)
    assert finished <= {run.info.run_id for run in store.trained}, "a finished run was made again"
    keys = [run.data.tags["ablation.key"] for run in store.trained]
    assert len(keys) == len(set(keys)) == 6, "a run was logged twice"
    assert len(store.parents) == 1
    assert not [run for run in store.runs if run.info.status == "RUNNING"]
    assert table(tmp_path, "first") == table(folder, "first")


def test_a_command_that_is_stopped_while_it_imports_says_so_in_a_line(tmp_path: Path) -> None:
    process = start(tmp_path, *STUDY)
    caught = Path(f"/proc/{process.pid}/status")
    while not int(caught.read_text().partition("SigCgt:")[2].split()[0], 16) >> (signal.SIGTERM - 1) & 1:
        time.sleep(0.01)  # until its own first lines have run
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == "ablation: stopped before the study began\n"
    assert not list(tmp_path.iterdir())


HEARD_AFTERWARDS = """
import os, signal, sys, threading, time
from ablation.engine.execution.local import _deaf_to_interruption

signal.signal(signal.SIGINT, signal.default_int_handler)
for _ in range(int(sys.argv[1])):
    threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
try:
    with _deaf_to_interruption():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.5)
        print("the end", flush=True)
except KeyboardInterrupt:
    print("heard", flush=True)
os._exit(0)
"""


@pytest.mark.parametrize("others", [0, 1])
def test_ctrl_c_while_workers_start_is_heard_afterwards(others: int) -> None:
    """Also in a process with another thread, to which the system then gives it; in one of its own, for it could end the tests."""
    ended = subprocess.run([sys.executable, "-c", HEARD_AFTERWARDS, str(others)], capture_output=True, text=True, timeout=60, check=False)
    assert ended.stdout.split("\n") == ["the end", "heard", ""], ended.stderr


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_study_marks_what_was_running_as_killed(signal_number: int, tmp_path: Path) -> None:
    write_function(tmp_path, PAUSE)
    process = start(tmp_path, *STUDY)
    line_of(process, "[1/6]")
    if signal_number == signal.SIGINT:
        os.killpg(process.pid, signal_number)  # as a terminal does: to the workers too
    else:
        process.send_signal(signal_number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    statuses = [run.info.status for run in logged(tmp_path).runs]
    assert "RUNNING" not in statuses
    assert "KILLED" in statuses


def test_a_dead_worker_is_replaced_and_its_run_repeated(whole: tuple[Path, Ended], tmp_path: Path) -> None:
    folder, _ = whole
    write_function(tmp_path, PAUSE)
    process = start(tmp_path, *STUDY)
    line_of(process, "[1/6]")
    workers = [child for child in psutil.Process(process.pid).children(recursive=True) if "spawn_main" in " ".join(child.cmdline())]
    assert len(workers) == 2, "expected two processes that run"
    workers[0].kill()
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert table(tmp_path, "first") == table(folder, "first")
    # Six runs and the study; what the dead worker had begun, if it had, counts as killed.
    statuses = [run.info.status for run in logged(tmp_path).runs]
    assert statuses.count("FINISHED") == 7
    assert set(statuses) <= {"FINISHED", "KILLED"}
    keys = [run.data.tags["ablation.key"] for run in logged(tmp_path).trained]
    assert len(keys) == len(set(keys)) == 6


def test_the_same_study_twice_at_once_is_refused(tmp_path: Path) -> None:
    write_function(tmp_path, PAUSE)
    one_arm = ("features=none", "seeds=8")
    first = start(tmp_path, *STUDY, *one_arm)
    line_of(first, "[1/8]")
    with pytest.raises(InputError, match="is being run by another process"):
        in_this_process(tmp_path, *SAME, *one_arm)
    assert first.wait(timeout=300) == 0
    first.communicate()


GATE = """

import os

whole = train


def train(seed, one=False, two=False, report=None):
    while seed == 1 and not os.path.exists(GATE):
        time.sleep(0.05)
    return whole(seed, one, two, report=report)
"""
"""Runs of the second seed wait until a file is there."""


def test_a_study_in_progress_can_be_looked_at(tmp_path: Path) -> None:
    gate = tmp_path / "go"
    write_function(tmp_path, more=GATE.replace("GATE", repr(str(gate))))
    process = start(tmp_path, *STUDY)
    line_of(process, "[3/6]")
    listed = report_in_this_process(tmp_path)
    looked = report_in_this_process(tmp_path, "first")
    assert looked.code == 0, looked.err
    page = (tmp_path / "mlruns/studies/first in progress/report.md").read_text()
    assert "in progress" in page.splitlines()[0]
    assert "of 6 runs" in page.splitlines()[0]
    assert "first" in listed.out and "not yet" in listed.out
    gate.touch()
    process.communicate(timeout=120)
    assert process.returncode == 0
    assert "in progress" not in (tmp_path / "mlruns/studies/first/report.md").read_text()
