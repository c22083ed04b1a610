"""Runs the command as a user does, in a folder of its own, on a tiny budget."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run

TINY = ("data=digits", "data.limit=120", "model.width=2", "training.epochs=2", "training.batch_size=16", "execution.workers=2")


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


def start(folder: Path, *arguments: str, **more: str) -> "subprocess.Popen[str]":
    """Start ``python -m ablation`` in a folder, in a process group of its own."""
    command = [sys.executable, "-W", "ignore", "-m", "ablation", *arguments]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=folder, env=environment(**more), start_new_session=True, **pipes)


def ablation(folder: Path, *arguments: str, **more: str) -> Ended:
    """Run the command to its end."""
    process = start(folder, *arguments, **more)
    out, err = process.communicate(timeout=300)
    return Ended(process.returncode, out, err)


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
        """The runs that were trained to their end."""
        return [run for run in self.runs if "ablation.key" in run.data.tags and run.info.status == "FINISHED"]


def logged(folder: Path) -> Logged:
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("ablation")
    return Logged(client, list(client.search_runs([experiment.experiment_id], max_results=1000)) if experiment else [])
