"""The three scripts of docs/examples, which know nothing of this package, run as they are."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from command import Ended, ablation, logged

EXAMPLES = Path(__file__).parent.parent / "docs/examples"


def study(folder: Path, name: str) -> Ended:
    """Conduct a study of one arm and one seed of a copy of the examples."""
    shutil.copytree(EXAMPLES, folder, dirs_exist_ok=True)
    # The scripts' python is the one that has what they import.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return ablation(folder, "--config-dir", "studies", f"subject={name}", "features=all", "seeds=1", "execution=inline", PATH=path)


def test_a_script_of_pytorch_that_prints(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    ended = study(tmp_path, "torch")
    assert ended.code == 0, ended.err
    [run] = logged(tmp_path).trained
    assert run.data.metrics["val_accuracy"] > 0.5
    assert len(logged(tmp_path).client.get_metric_history(run.info.run_id, "val_accuracy")) >= 10


def test_an_application_of_hydra(tmp_path: Path) -> None:
    ended = study(tmp_path, "hydra")
    assert ended.code == 0, ended.err
    [run] = logged(tmp_path).trained
    assert run.data.metrics["val_accuracy"] > 0.5
    assert not (tmp_path / "hydra_app/outputs").exists(), "its outputs belong in the folder of the run"


def test_a_script_that_logs_itself_to_mlflow(tmp_path: Path) -> None:
    ended = study(tmp_path, "mlflow")
    assert ended.code == 0, ended.err
    store = logged(tmp_path)
    [run] = store.trained
    tumours = store.client.get_experiment_by_name("tumours")
    assert tumours is not None
    [own] = store.client.search_runs([tumours.experiment_id])
    assert own.info.status == "FINISHED"
    assert run.data.metrics["val_accuracy"] == own.data.metrics["val_accuracy"]
    assert run.data.metrics["training_accuracy_score"] == own.data.metrics["training_accuracy_score"]
    assert own.info.run_id in run.data.tags["mlflow.note.content"]
