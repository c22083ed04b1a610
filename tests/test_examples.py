"""The three scripts of docs/examples, which know nothing of this package, run as they are."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from command import Ended, ablation, add_database, in_this_process, logged

EXAMPLES = Path(__file__).parent.parent / "docs/examples"


def study(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch, command: bool = False) -> Ended:
    """Conduct a study of one arm and one seed of a copy of the examples, here or as a command of its own."""
    shutil.copytree(EXAMPLES, folder, dirs_exist_ok=True)
    add_database(folder)
    # The scripts' python is the one that has what they import.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    asked = (f"subject={name}", "features=all", "seeds=1")
    if command:
        return ablation(folder, "--config-dir", "studies", *asked, "execution=inline")
    return in_this_process(folder, f"hydra.searchpath=[file://{folder}/studies]", *asked)


def test_a_script_of_pytorch_that_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    ended = study(tmp_path, "torch", monkeypatch)
    assert ended.code == 0, ended.err or ended.out
    [run] = logged(tmp_path).trained
    assert run.data.metrics["val_accuracy"] > 0.5
    assert len(logged(tmp_path).client.get_metric_history(run.info.run_id, "val_accuracy")) >= 10


def test_an_application_of_hydra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = study(tmp_path, "hydra", monkeypatch, command=True)
    assert ended.code == 0, ended.err or ended.out
    [run] = logged(tmp_path).trained
    assert run.data.metrics["val_accuracy"] > 0.5
    assert not (tmp_path / "hydra_app/outputs").exists(), "its outputs belong in the folder of the run"
    [report] = tmp_path.glob("mlruns/studies/*/report.md")
    assert "python -m ablation --config-dir studies subject=hydra features=all seeds=1 execution=inline" in report.read_text()


def test_a_script_that_logs_itself_to_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = study(tmp_path, "mlflow", monkeypatch)
    assert ended.code == 0, ended.err or ended.out
    store = logged(tmp_path)
    [run] = store.trained
    tumours = store.client.get_experiment_by_name("tumours")
    assert tumours is not None
    [own] = store.client.search_runs([tumours.experiment_id])
    assert own.info.status == "FINISHED"
    assert run.data.metrics["val_accuracy"] == own.data.metrics["val_accuracy"]
    assert run.data.metrics["training_accuracy_score"] == own.data.metrics["training_accuracy_score"]
    assert own.info.run_id in run.data.tags["mlflow.note.content"]
