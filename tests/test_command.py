"""The main command end to end: what it trains, logs, writes and prints."""

import json
import pickle
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from command import ORDER, TINY, Ended, ablation, logged, table

from ablation.store.connection import Store


def test_the_study_ends_well_and_says_where_to_look(study: tuple[Path, Ended]) -> None:
    _, ended = study
    assert ended.code == 0, ended.err
    for words in ("[6/6]", "+ augmentation", "+ batch_norm", "95 % interval", "contribution.png", "table.md", "mlflow ui"):
        assert words in ended.out
    assert ended.err == "", "frameworks must not talk"


def test_every_run_is_logged_once_with_its_epochs_and_costs(study: tuple[Path, Ended]) -> None:
    folder, _ = study
    store = logged(folder)
    [parent] = store.parents
    children = store.children(parent)
    assert len(children) == 6
    assert {(run.data.tags["ablation.arm"], run.data.tags["ablation.seed"]) for run in children} == {
        (arm, seed) for arm in ("", "augmentation", "augmentation,batch_norm") for seed in "01"
    }
    for run in children:
        assert run.info.status == "FINISHED"
        for metric in ("loss", "accuracy", "val_loss", "val_accuracy"):
            assert [each.step for each in store.client.get_metric_history(run.info.run_id, metric)] == [1, 2]
        for metric in ("score", "parameters", "flops", "seconds_per_epoch", "peak_memory_mb"):
            assert run.data.metrics[metric] > 0 or metric == "score"
        assert run.data.metrics["score"] == run.data.metrics["val_accuracy"]
        assert [each.dataset.name for each in run.inputs.dataset_inputs] == ["digits"]
        # What the first and the last arm said is drawn.
        said = set() if run.data.tags["ablation.arm"] == "augmentation" else {"predictions.npz"}
        files = {each.path for each in store.client.list_artifacts(run.info.run_id)}
        assert files == {"network.txt", "result.json", "correct.npz"} | said


def test_a_step_carries_its_score_minus_that_of_the_step_before(study: tuple[Path, Ended]) -> None:
    folder, _ = study
    runs = {(run.data.tags["ablation.arm"], run.data.tags["ablation.seed"]): run for run in logged(folder).trained}
    for seed in "01":
        assert "val_accuracy_delta" not in runs["", seed].data.metrics
        for before, arm in (("", "augmentation"), ("augmentation", "augmentation,batch_norm")):
            difference = runs[arm, seed].data.metrics["score"] - runs[before, seed].data.metrics["score"]
            assert runs[arm, seed].data.metrics["val_accuracy_delta"] == pytest.approx(difference)


def test_test_images_are_used_for_the_first_and_the_last_arm_alone(study: tuple[Path, Ended]) -> None:
    folder, _ = study
    tested = {run.data.tags["ablation.arm"] for run in logged(folder).trained if "test_accuracy" in run.data.metrics}
    assert tested == {"", "augmentation,batch_norm"}


def test_the_parent_shows_effects_charts_and_the_table(study: tuple[Path, Ended]) -> None:
    folder, _ = study
    store = logged(folder)
    [parent] = store.parents
    rows = {row["feature"]: row for row in table(folder, "first") if row["feature"]}
    for feature in ("augmentation", "batch_norm"):
        assert parent.data.metrics[f"effect_{feature}"] == pytest.approx(float(rows[feature]["delta"]))
        assert parent.data.metrics[f"effect_{feature}_low"] <= parent.data.metrics[f"effect_{feature}_high"]
    assert parent.info.run_name == "first"
    assert parent.info.status == "FINISHED"
    files = {each.path for each in store.client.list_artifacts(parent.info.run_id)}
    names = ("forest", "contribution", "climb", "arms", "cost", "learning_curves", "predictions", "confusion", "class_accuracy")
    charts = {f"{name}.{kind}" for name in names for kind in ("png", "svg")}
    texts = {"report.html", "report.md", "table.md", "table.tex", "table.csv", "config.yaml", "findings.json", ".study"}
    assert files == charts | texts
    assert files == {each.name for each in (folder / "mlruns/studies/first").iterdir()}
    description = parent.data.tags["mlflow.note.content"]
    assert description.startswith("No verdict (2 seeds; 3 are needed): augmentation ")
    assert (folder / "mlruns/studies/first/table.md").read_text() in description


def test_a_finished_study_trains_nothing_again_and_logs_nothing_twice(study: tuple[Path, Ended]) -> None:
    folder, _ = study
    before = {run.info.run_id: run.data.metrics for run in logged(folder).runs}
    again = ablation(folder, ORDER, "seeds=2", "study.name=first", *TINY)  # without -m: the same study
    assert again.code == 0, again.err
    assert "[1/6]" not in again.out
    assert {run.info.run_id: run.data.metrics for run in logged(folder).runs} == before
    assert max(len(logged(folder).client.get_metric_history(run, "val_accuracy_delta")) for run in before) == 1


def test_a_plan_counts_what_is_there_and_trains_and_logs_nothing(study: tuple[Path, Ended]) -> None:
    folder, _ = study
    before = len(logged(folder).runs)
    ended = ablation(folder, "features=[cumulative,leave_one_out]", ORDER, "seeds=3", "plan=true", *TINY)
    assert ended.code == 0, ended.err
    assert "4 arms × 3 seeds = 12 runs; 2 arms are shared" in ended.out
    assert "finished already: 6; to train: 6" in ended.out
    assert "time left: about" in ended.out
    assert len(logged(folder).runs) == before


def test_finished_runs_are_found_through_mlflow_too(study: tuple[Path, Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the database is none that we can read ourselves."""
    folder, _ = study
    store = Store(f"sqlite:///{folder / 'mlflow.db'}", "ablation")
    [parent] = [run for run in logged(folder).parents if run.info.run_name == "first"]
    keys = [run.data.tags["ablation.key"] for run in logged(folder).children(parent)]
    read = store.finished(keys, parent.data.tags["ablation.study"], lambda *_: True)
    assert len(read) == 6

    def unreadable(*_: object) -> None:
        raise sqlite3.OperationalError("no such table: experiments")

    monkeypatch.setattr("ablation.store.connection.finished_runs", unreadable)
    assert store.finished(keys, parent.data.tags["ablation.study"], lambda *_: True) == read


def test_a_run_that_lacks_what_is_asked_for_does_not_hide_one_that_has_it(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'mlflow.db'}", "ablation")
    experiment = store.client.create_experiment("ablation", artifact_location=str(tmp_path / "runs"))
    kept = {"score": 0.5, "history": {}, "test_score": None, "seconds_per_epoch": 1.0, "seconds": 1.0, "peak_memory": 1}
    kept |= {"parameters": 1, "trainable": 1, "convolutions": 1, "flops": 1}
    for saved in (False, True):
        run = store.client.create_run(experiment, tags={"ablation.key": "a key"})
        store.client.log_text(run.info.run_id, json.dumps({**kept, "saved_model": saved}), "result.json")
        store.client.set_terminated(run.info.run_id, "FINISHED")
    assert not store.finished(["a key"], "", lambda *_: True)["a key"].saved_model, "the first that will do"
    assert store.finished(["a key"], "", lambda _, result: result.saved_model)["a key"].saved_model


def test_another_study_does_not_write_over_the_files_of_one(study: tuple[Path, Ended]) -> None:
    folder, _ = study
    before = (folder / "mlruns/studies/first/table.md").read_bytes()
    ended = ablation(folder, "features=one_at_a_time", ORDER, "seeds=2", "study.name=first", *TINY)
    assert ended.code == 1
    assert "holds the files of another study; expected another study.name" in ended.err
    assert (folder / "mlruns/studies/first/table.md").read_bytes() == before


def test_a_store_travels_to_workers_without_its_connection(study: tuple[Path, Ended]) -> None:
    folder, _ = study
    store = Store(f"sqlite:///{folder / 'mlflow.db'}", "ablation")
    assert store.client
    travelled = pickle.loads(pickle.dumps(store))
    assert travelled == store
    assert "client" not in vars(travelled)


def test_a_plan_makes_no_database(tmp_path: Path) -> None:
    ended = ablation(tmp_path, "plan=true")
    assert ended.code == 0, ended.err
    assert "8 arms × 3 seeds = 24 runs" in ended.out
    assert "finished already: 0; to train: 24" in ended.out
    assert not (tmp_path / "mlflow.db").exists()


def test_a_plan_and_a_report_say_what_changes_nothing(tmp_path: Path) -> None:
    arguments = ("model=vgg16", "model.width=1", "model.hidden=[4]", "features=cumulative", "catalogue.order=[batch_norm,gap]", "seeds=1")
    told = "gap changes nothing in model=vgg16 at 16 × 16 pixels"
    small = ("data=digits", "data.limit=60", "training.epochs=1")
    plan = ablation(tmp_path, *arguments, *small, "plan=true")
    assert plan.code == 0, plan.err
    assert told in plan.out
    assert "batch_norm changes" not in plan.out
    ended = ablation(tmp_path, *arguments, *small)
    assert ended.code == 0, ended.err
    assert told in ended.out
    runs = {run.data.tags["ablation.arm"]: run.data.metrics for run in logged(tmp_path).trained}
    assert runs["batch_norm,gap"]["val_loss"] == pytest.approx(runs["batch_norm"]["val_loss"], abs=1e-6)


def test_another_design_trains_only_the_arms_that_it_adds(study: tuple[Path, Ended]) -> None:
    folder, _ = study
    trained = {run.info.run_id for run in logged(folder).trained}
    ended = ablation(
        folder, "features=[leave_one_out,one_at_a_time]", ORDER, "seeds=2", "study.name=second", "execution=inline", *TINY[:-1]
    )
    assert ended.code == 0, ended.err
    store = logged(folder)
    new = [run for run in store.trained if run.info.run_id not in trained]
    assert {run.data.tags["ablation.arm"] for run in new} == {"batch_norm"}
    [parent] = [run for run in store.parents if run.info.run_name == "second"]
    children = store.children(parent)
    assert len(children) == 8
    copies = [run for run in children if "ablation.copy_of" in run.data.tags]
    assert len(copies) == 6
    for copy in copies:
        original = store.client.get_run(copy.data.tags["ablation.copy_of"])
        assert original.info.run_id in trained
        assert copy.data.metrics["score"] == original.data.metrics["score"]
    alone = [run for run in children if run.data.tags["ablation.arm"] == "batch_norm"]
    assert all({"val_accuracy_delta", "delta_one_at_a_time"} <= set(run.data.metrics) for run in alone)


BROKEN = '''
from dataclasses import dataclass, replace
import numpy as np

@dataclass(frozen=True)
class Broken:
    """Makes the loss infinite."""
    def __call__(self, recipe):
        return replace(recipe, targets=(*recipe.targets, self.change))
    def change(self, targets):
        return targets * np.float32(np.inf)
    def verify(self, evidence):
        return True
'''


def test_a_failing_arm_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(BROKEN)
    add = "+catalogue.features.broken={_target_: broken.Broken}"
    arguments = (
        "features=one_at_a_time",
        "catalogue.order=[broken,batch_norm]",
        add,
        "seeds=2",
        "study.name=first",
        "execution=inline",
        *TINY[:-1],
    )
    ended = ablation(tmp_path, *arguments)
    assert ended.code == 1
    assert "broken · seed 0 FAILED: NotFiniteError: loss became" in ended.out
    assert "in epoch 1 of 2" in ended.out
    rows = {row["feature"]: row for row in table(tmp_path, "first") if row["feature"]}
    assert rows["batch_norm"]["delta"] != ""
    assert rows["broken"]["delta"] == ""
    assert rows["broken"]["verdict"] == "cannot be estimated"
    statuses = sorted(run.info.status for run in logged(tmp_path).runs if "ablation.key" in run.data.tags)
    assert statuses == ["FAILED", "FAILED", "FINISHED", "FINISHED", "FINISHED", "FINISHED"]
    assert (tmp_path / "mlruns/studies/first/contribution.png").exists()

    stopped = ablation(tmp_path, *arguments, "on_error=stop", "seeds=[5,6]", "study.name=second")
    assert stopped.code == 1
    assert "[2/6]" not in stopped.out


def test_a_saved_network_predicts_as_it_did(tmp_path: Path) -> None:
    order = "catalogue.order=[batch_norm,dropout]"
    ended = ablation(tmp_path, "features=all", order, "seeds=1", "save_model=true", "execution=inline", *TINY[:-1])
    assert ended.code == 0, ended.err
    [run] = logged(tmp_path).trained
    check = f"""
import mlflow, numpy as np
from pathlib import Path
from ablation.images.data import Digits, stage, open_staged
mlflow.set_tracking_uri("sqlite:///mlflow.db")
model = mlflow.keras.load_model("runs:/{run.info.run_id}/model")
test = Digits().load().test
probabilities = model.predict(test.x, verbose=0)
np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
print("accuracy", float((probabilities.argmax(axis=1) == test.y).mean()))

from ablation.images.catalogue import compose
from ablation.images.features import BatchNorm, Dropout
from ablation.images.models import CNN
from ablation.images.training.settings import Training
recipe = compose(Training(1, 1).recipe(), {{"batch_norm": BatchNorm(), "dropout": Dropout()}}, CNN(2), "cnn")
network = CNN(2).build(recipe, (16, 16, 1), 10)
network.load_weights(mlflow.artifacts.download_artifacts("runs:/{run.info.run_id}/network.weights.h5"))
assert (network.predict(test.x / 255, verbose=0).argmax(axis=1) == probabilities.argmax(axis=1)).all()
"""
    loaded = subprocess.run([sys.executable, "-W", "ignore", "-c", check], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert loaded.returncode == 0, loaded.stderr
    accuracy = float(loaded.stdout.split("accuracy")[1])
    assert accuracy == pytest.approx(run.data.metrics["test_accuracy"], abs=1e-9)
