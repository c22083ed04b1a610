"""A program that cannot outlive the process that runs it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from ablation.subjects.guarded import Ended, run_guarded

FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
open("pids", "w").write(f"{os.getpid()} {child.pid}")
os.rename("pids", "family")
time.sleep(100)
"""
"""Starts a process of its own, says which the two are, and waits."""

HOLDER = """
import sys
from pathlib import Path
from ablation.subjects.guarded import run_guarded
run_guarded([sys.executable, "family.py"], Path("."), {}, None, lambda stream, line: None)
"""
"""Does what a worker does."""


def run(folder: Path, program: str, timeout: float | None = None) -> tuple[Ended, list[tuple[str, str]]]:
    lines: list[tuple[str, str]] = []
    ended = run_guarded([sys.executable, "-c", program], folder, dict(os.environ), timeout, lambda *each: lines.append(each))
    return ended, lines


def family(folder: Path) -> list[int]:
    """Return the two processes once they are there."""
    for _ in range(600):
        if (folder / "family").exists():
            return [int(each) for each in (folder / "family").read_text().split()]
        time.sleep(0.05)
    raise AssertionError("the program did not start")


def wait_until_gone(pids: list[int]) -> None:
    for _ in range(600):
        if not [each for each in pids if psutil.pid_exists(each) and psutil.Process(each).status() != psutil.STATUS_ZOMBIE]:
            return
        time.sleep(0.05)
    raise AssertionError("processes are left")


def test_output_status_and_folder(tmp_path: Path) -> None:
    ended, lines = run(tmp_path, "import os, sys; print(os.getcwd()); print('bad', file=sys.stderr); print(sys.stdin.read()); sys.exit(3)")
    assert ended == Ended(3, False)
    assert sorted(lines) == [("stderr", "bad\n"), ("stdout", "\n"), ("stdout", f"{tmp_path}\n")]


def test_a_signal_is_a_negative_status(tmp_path: Path) -> None:
    assert run(tmp_path, "import os; os.kill(os.getpid(), 9)")[0] == Ended(-9, False)


def test_lines_come_while_it_runs_and_a_carriage_return_ends_one(tmp_path: Path) -> None:
    program = "import sys, time\nsys.stdout.write('10%\\r20%\\r30%'); sys.stdout.flush(); time.sleep(60)"
    seen: list[str] = []

    class EnoughError(Exception):
        pass

    def hear(stream: str, line: str) -> None:
        seen.append(line)
        if len(seen) == 2:
            raise EnoughError

    with pytest.raises(EnoughError):
        run_guarded([sys.executable, "-c", program], tmp_path, dict(os.environ), None, hear)
    assert [each.strip() for each in seen] == ["10%", "20%"]


def test_at_a_timeout_all_of_it_ends(tmp_path: Path) -> None:
    (tmp_path / "family.py").write_text(FAMILY)
    ended, _ = run(tmp_path, "exec(open('family.py').read())", timeout=3)
    assert ended == Ended(-signal.SIGKILL, True)
    wait_until_gone(family(tmp_path))


def test_what_it_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    (tmp_path / "family.py").write_text(FAMILY.rpartition("time.sleep")[0])
    ended, _ = run(tmp_path, "exec(open('family.py').read())")
    assert ended == Ended(0, False)
    wait_until_gone(family(tmp_path))


def test_it_ends_with_the_process_that_runs_it(tmp_path: Path) -> None:
    (tmp_path / "family.py").write_text(FAMILY)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], cwd=tmp_path, env=environment)
    pids = family(tmp_path)
    holder.kill()
    holder.wait()
    wait_until_gone(pids)
