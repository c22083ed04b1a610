"""The main command end to end: what it trains, logs, writes and prints."""

import csv
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import psutil
import pytest
from command import TINY, Ended, ablation, logged, start

ORDER = "catalogue.order=[augmentation,batch_norm]"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """A finished tiny study: three arms, two seeds."""
    folder = tmp_path_factory.mktemp("study")
    return folder, ablation(folder, "-m", "features=cumulative", ORDER, "seeds=2", "study.name=first", *TINY)


def table(folder: Path, name: str) -> list[dict[str, str]]:
    """A study's table without its timings."""
    with (folder / "mlruns" / "studies" / name / "table.csv").open() as file:
        return [
            {key: value for key, value in row.items() if key not in ("seconds_per_epoch", "peak_memory")} for row in csv.DictReader(file)
        ]


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
        assert {each.path for each in store.client.list_artifacts(run.info.run_id)} == {"network.txt", "result.json"}


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
    charts = {f"{name}.{kind}" for name in ("contribution", "climb", "learning_curves") for kind in ("png", "svg")}
    assert files == charts | {"table.md", "table.csv", "config.yaml", "question.json"}
    description = parent.data.tags["mlflow.note.content"]
    assert description.startswith("Effects in accuracy points (cumulative): augmentation **")
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


def test_inline_and_local_workers_give_the_same_numbers(study: tuple[Path, Ended], tmp_path: Path) -> None:
    folder, _ = study
    inline = [*TINY[:-1], "execution=inline", "execution.threads=1"]
    ended = ablation(tmp_path, ORDER, "seeds=2", "study.name=first", *inline)
    assert ended.code == 0, ended.err
    assert table(tmp_path, "first") == table(folder, "first")


def line_of(process: "subprocess.Popen[str]", words: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return line
    raise AssertionError(f"the command ended without saying '{words}': {process.stderr.read() if process.stderr else ''}")


def test_a_killed_study_continues_where_it_was(study: tuple[Path, Ended], tmp_path: Path) -> None:
    folder, _ = study
    arguments = (ORDER, "seeds=2", "study.name=first", *TINY)
    process = start(tmp_path, *arguments)
    line_of(process, "[2/6]")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    finished = {run.info.run_id for run in logged(tmp_path).trained}
    assert 2 <= len(finished) < 6

    ended = ablation(tmp_path, *arguments)
    assert ended.code == 0, ended.err
    store = logged(tmp_path)
    assert finished <= {run.info.run_id for run in store.trained}, "a finished run was trained again"
    keys = [run.data.tags["ablation.key"] for run in store.trained]
    assert len(keys) == len(set(keys)) == 6, "a run was logged twice"
    assert len(store.parents) == 1
    assert not [run for run in store.runs if run.info.status == "RUNNING"]
    assert table(tmp_path, "first") == table(folder, "first")


def test_ctrl_c_marks_what_was_running_as_killed(tmp_path: Path) -> None:
    process = start(tmp_path, ORDER, "seeds=2", *TINY)
    line_of(process, "[1/6]")
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    statuses = [run.info.status for run in logged(tmp_path).runs]
    assert "RUNNING" not in statuses
    assert "KILLED" in statuses


def test_a_dead_worker_is_replaced_and_its_run_repeated(study: tuple[Path, Ended], tmp_path: Path) -> None:
    folder, _ = study
    process = start(tmp_path, ORDER, "seeds=2", "study.name=first", *TINY)
    line_of(process, "[1/6]")
    workers = [child for child in psutil.Process(process.pid).children(recursive=True) if child.memory_info().rss > 300e6]
    assert len(workers) == 2, "expected two processes that train"
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
    arguments = ("features=one_at_a_time", "catalogue.order=[broken,batch_norm]", add, "seeds=2", "study.name=first", *TINY)
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

    stopped = ablation(tmp_path, *arguments, "on_error=stop", "seeds=[5,6]", "execution.workers=1")
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
from ablation.data import Digits, stage, open_staged
mlflow.set_tracking_uri("sqlite:///mlflow.db")
model = mlflow.keras.load_model("runs:/{run.info.run_id}/model")
test = Digits().load().test
probabilities = model.predict(test.x, verbose=0)
np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
print("accuracy", float((probabilities.argmax(axis=1) == test.y).mean()))

from ablation.catalogue import compose
from ablation.features import BatchNorm, Dropout
from ablation.models import CNN
from ablation.training.settings import Training
recipe = compose(Training(1, 1).recipe(), {{"batch_norm": BatchNorm(), "dropout": Dropout()}}, CNN(2), "cnn")
network = CNN(2).build(recipe, (16, 16, 1), 10)
network.load_weights(mlflow.artifacts.download_artifacts("runs:/{run.info.run_id}/network.weights.h5"))
assert (network.predict(test.x / 255, verbose=0).argmax(axis=1) == probabilities.argmax(axis=1)).all()
"""
    loaded = subprocess.run([sys.executable, "-W", "ignore", "-c", check], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert loaded.returncode == 0, loaded.stderr
    accuracy = float(loaded.stdout.split("accuracy")[1])
    assert accuracy == pytest.approx(run.data.metrics["test_accuracy"], abs=1e-9)


def test_the_same_study_twice_at_once_is_refused(tmp_path: Path) -> None:
    first = start(tmp_path, ORDER, "seeds=2", *TINY)
    line_of(first, "[1/6]")
    second = ablation(tmp_path, ORDER, "seeds=2", *TINY)
    assert second.code == 1
    assert "is being run by another process" in second.err
    assert first.wait(timeout=300) == 0
    first.communicate()


def test_a_running_scheduler_is_used(tmp_path: Path) -> None:
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, memory_limit=0) as cluster:
        where = ("execution=dask", f"execution.address={cluster.scheduler_address}")
        ended = ablation(tmp_path, "features=none", "seeds=2", *TINY[:-1], *where)
    assert ended.code == 0, ended.err
    assert len(logged(tmp_path).trained) == 2


def has_runs(database: Path) -> bool:
    """Look without MLflow's client, which would make the tables itself while the command is making them."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return bool(connection.execute("SELECT COUNT(*) FROM runs").fetchone()[0])
    except sqlite3.Error:
        return False


def test_epochs_appear_while_a_run_trains(tmp_path: Path) -> None:
    process = start(tmp_path, "features=none", "seeds=1", *TINY, "training.epochs=400", "execution.workers=1")
    try:
        deadline = time.monotonic() + 60
        seen = 0
        while not seen and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.5)
            if has_runs(tmp_path / "mlflow.db"):
                running = [run for run in logged(tmp_path).runs if "ablation.key" in run.data.tags]
                seen = sum("val_accuracy" in run.data.metrics and run.info.status == "RUNNING" for run in running)
        assert seen == 1
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert np.isin([run.info.status for run in logged(tmp_path).runs], ["KILLED", "FINISHED"]).all()
