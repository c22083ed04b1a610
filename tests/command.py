"""Runs the command as a user does, in a folder of its own: on images with a tiny budget, or on a function that trains nothing."""

import csv
import io
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import Run

# A shell that runs the suite in the background makes it deaf to Ctrl-C, and every command that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

ORDER = "catalogue.order=[augmentation,batch_norm]"
TINY = ("data=digits", "data.limit=120", "model.width=2", "training.epochs=2", "training.batch_size=16", "execution.workers=2")

FUNCTION = '''
"""A function that trains nothing: its score is what its arguments are worth, and noise of its seed."""

import random
import time

WORTH = {"one": 0.05, "two": -0.02, "three": 0.0}


def train(seed, one=False, two=False, three=False, report=None):
    noise = random.Random(seed).gauss(0, 0.01) + 0.001 * random.Random(f"{seed}{one}{two}{three}").random()
    score = 0.7 + WORTH["one"] * one + WORTH["two"] * two + noise
    for epoch in (1, 2):
        time.sleep(PAUSE)
        report(epoch=epoch, loss=2.0 - epoch - score, val_score=score - 0.1 * (2 - epoch))
    return {"val_score": score, "size": 10 + 5 * one}
'''

ASKED = ("subject=function", "subject.target=toy.train", "subject.features=[one,two]", "subject.metric=val_score", "features=cumulative")
"""Three arms of that function, in the file ``toy.py``."""


def write_function(folder: Path, pause: float = 0.0, more: str = "", database: bool = True) -> None:
    """Write the function into a folder; each of its two epochs takes ``pause`` seconds, and ``more`` follows it.

    With ``database`` the folder gets an empty one too, for a command of its own that need not make it.
    """
    (folder / "toy.py").write_text(FUNCTION.replace("PAUSE", repr(pause)) + more)
    if database:
        add_database(folder)


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    """The environment of a user who has set nothing of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW", "KERAS", "ABLATION", "TF_", "XLA"))}
    # Narrow terminals wrap tables; tests read them whole.
    return {**kept, "COLUMNS": "160", **more}


def start(folder: Path, *arguments: str, module: str = "ablation", **more: str) -> "subprocess.Popen[str]":
    """Start ``python -m ablation``, or another command of the package, in a folder, in a process group of its own."""
    command = [sys.executable, "-W", "ignore", "-m", module, *arguments]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=folder, env=environment(**more), start_new_session=True, **pipes)


def ablation(folder: Path, *arguments: str, module: str = "ablation", **more: str) -> Ended:
    """Run the command to its end."""
    process = start(folder, *arguments, module=module, **more)
    out, err = process.communicate(timeout=300)
    return Ended(process.returncode, out, err)


def in_this_process(folder: Path, *arguments: str, pictures: bool = False) -> Ended:
    """Do in this process what the command does, for tests of what is trained and written: a process of its own imports for seconds.

    The exit status and what errors print are not the command's; its own tests have those.

    Args:
        folder: where the command is given.
        arguments: its words; with ``plan=true`` the plan is made.
        pictures: whether charts are drawn, which takes longer than all else of a study that trains nothing.
    """
    from rich.console import Console

    from ablation.configuration import asked_in_words
    from ablation.engine.conduct import conduct
    from ablation.engine.plan import plan
    from ablation.report.screen import Screen, show_findings, show_plan

    screen = Screen(Console(file=io.StringIO(), width=160, highlight=False, soft_wrap=True))
    for file in folder.glob("*.py"):
        sys.modules.pop(file.stem, None)  # of another test's folder
    there = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        with chdir(folder), undrawn(not pictures), redirect_stdout(io.StringIO()) as printed:
            asked = asked_in_words((*(each for each in arguments if each != "plan=true"), "execution=inline"))
            if "plan=true" in arguments:
                show_plan(plan(asked.study, asked.store, asked.execution))
                return Ended(0, printed.getvalue(), "")
            add_database(folder)
            conducted = conduct(asked.study, asked.store, asked.execution, screen)
    finally:
        sys.path.remove(str(folder))
        # Another test's folder may have a file of the same name.
        for name in set(sys.modules) - there:
            if str(getattr(sys.modules[name], "__file__", None)).startswith(str(folder)):
                del sys.modules[name]
    show_findings(conducted.findings, conducted.files, screen.console)
    assert isinstance(screen.console.file, io.StringIO)
    return Ended(0 if conducted.went_well else 1, screen.console.file.getvalue(), conducted.lacking)


def report_in_this_process(folder: Path, *arguments: str) -> Ended:
    """Do in this process what ``python -m ablation.report`` does, without charts."""
    from ablation.report.__main__ import main

    with chdir(folder), undrawn(), redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        return Ended(main(arguments), out.getvalue(), err.getvalue())


@contextmanager
def undrawn(really: bool = True) -> Iterator[None]:
    """Leave out the charts, those that workers would draw and those of predictions too."""
    from ablation import charts
    from ablation.images import charts as of_predictions

    if not really:
        yield
        return
    with (
        patch.object(charts, "pictures", lambda findings: []),
        patch("ablation.report.publish._draw", lambda *_, **__: []),
        patch.object(of_predictions, "draw_predictions", lambda *_: []),
    ):
        yield


def add_database(folder: Path) -> None:
    """Put MLflow's database without runs into a folder that has none. To make one takes seconds, so one is made for all tests."""
    if (folder / "mlflow.db").exists():
        return
    empty = Path(os.environ["SHARED_BY_TESTS"]) / "empty.db"
    with FileLock(f"{empty}.lock"):
        if not empty.exists():
            made = empty.with_suffix(".new")
            MlflowClient(f"sqlite:///{made}").search_experiments()
            made.rename(empty)
    new = Path(shutil.copy(empty, folder / f".{os.getpid()}.db"))
    new.rename(folder / "mlflow.db")


@dataclass(frozen=True)
class Logged:
    """What a folder's MLflow store holds."""

    client: MlflowClient
    runs: list[Run]

    @property
    def parents(self) -> list[Run]:
        return [run for run in self.runs if "mlflow.parentRunId" not in run.data.tags]

    def children(self, parent: Run) -> list[Run]:
        return [run for run in self.runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]

    @property
    def trained(self) -> list[Run]:
        """The runs that were made to their end."""
        return [run for run in self.runs if "ablation.key" in run.data.tags and run.info.status == "FINISHED"]


def logged(folder: Path) -> Logged:
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("ablation")
    return Logged(client, list(client.search_runs([experiment.experiment_id], max_results=1000)) if experiment else [])


TIMES = ("seconds_per_epoch", "peak_memory_mb", "seconds_to_first_epoch", "processor_use", "seconds")


def table(folder: Path, name: str) -> list[dict[str, str]]:
    """A study's table without its timings."""
    with (folder / "mlruns" / "studies" / name / "table.csv").open() as file:
        return [{key: value for key, value in row.items() if key not in TIMES} for row in csv.DictReader(file)]


def line_of(process: "subprocess.Popen[str]", words: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return line
    raise AssertionError(f"the command ended without saying '{words}': {process.stderr.read() if process.stderr else ''}")
