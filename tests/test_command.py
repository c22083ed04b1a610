"""The main command end to end on images: what it trains, logs, writes and prints."""

from pathlib import Path

import pytest
from command import TINY, Ended, ablation, in_this_process, logged, table


def test_the_study_ends_well_and_says_where_to_look(study: tuple[Path, Ended]) -> None:
    _, ended = study
    assert ended.code == 0, ended.err
    for words in ("[6/6]", "+ augmentation", "+ batch_norm", "verdict", "report.html", "Folder  mlruns/studies/", "mlflow ui"):
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
            assert [each.step for each in store.client.get_metric_history(run.info.run_id, metric) if each.step] == [1, 2]
        for metric in ("parameters", "flops", "seconds_per_epoch", "peak_memory_mb", "seconds"):
            assert run.data.metrics[metric] > 0
        assert [each.dataset.name for each in run.inputs.dataset_inputs] == ["digits"]
        # What the first and the last arm predicted is drawn.
        drawn = set() if run.data.tags["ablation.arm"] == "augmentation" else {"predictions.npz"}
        files = {each.path for each in store.client.list_artifacts(run.info.run_id)}
        assert files == {"network.txt", "result.json", "correct.npz"} | drawn


def test_a_step_carries_its_score_minus_that_of_the_step_before(study: tuple[Path, Ended]) -> None:
    folder, _ = study
    runs = {(run.data.tags["ablation.arm"], run.data.tags["ablation.seed"]): run for run in logged(folder).trained}
    for seed in "01":
        assert "val_accuracy_delta" not in runs["", seed].data.metrics
        for before, arm in (("", "augmentation"), ("augmentation", "augmentation,batch_norm")):
            difference = runs[arm, seed].data.metrics["val_accuracy"] - runs[before, seed].data.metrics["val_accuracy"]
            assert runs[arm, seed].data.metrics["val_accuracy_delta"] == pytest.approx(difference)


def test_test_images_are_used_for_the_first_and_the_last_arm_alone(study: tuple[Path, Ended]) -> None:
    folder, _ = study
    tested = {run.data.tags["ablation.arm"] for run in logged(folder).trained if "test_accuracy" in run.data.metrics}
    assert tested == {"", "augmentation,batch_norm"}


def test_the_parent_shows_effects_charts_and_the_table(study: tuple[Path, Ended]) -> None:
    folder, _ = study
    store = logged(folder)
    [parent] = store.parents
    effects = {row["feature"]: float(row["effect"]) for row in table(folder, "first") if row["feature"]}
    assert list(effects) == ["augmentation", "batch_norm"]
    history = {each.step: each.value for each in store.client.get_metric_history(parent.info.run_id, "path/effect")}
    assert history == pytest.approx(dict(enumerate(effects.values(), start=1)))
    assert parent.info.run_name == "first"
    assert parent.info.status == "FINISHED"
    files = {each.path for each in store.client.list_artifacts(parent.info.run_id)}
    names = ("contribution", "climb", "arms", "cost", "learning_curves", "predictions", "confusion", "class_accuracy")
    charts = {f"{name}.{kind}" for name in names for kind in ("png", "svg")}
    tables = {"table.md", "table.tex", "table.csv", "runs.csv"}
    texts = {"report.html", "report.md", "config.yaml", "findings.json", "own.json", ".study", *tables}
    assert files == charts | texts | {"effects.json"}
    assert files - {"effects.json"} == {each.name for each in (folder / "mlruns/studies/first").iterdir()}
    description = parent.data.tags["mlflow.note.content"]
    assert "No verdict (2 seeds; 3 are needed): augmentation " in description
    assert "accuracy %" not in description and "percentage points" not in description, "MLflow's pages show fractions"


def test_a_plan_makes_no_database(tmp_path: Path) -> None:
    ended = ablation(tmp_path, "plan=true")
    assert ended.code == 0, ended.err
    assert "8 arms × 8 seeds = 64 runs" in ended.out
    assert "finished already: 0; to run: 64" in ended.out
    assert not (tmp_path / "mlflow.db").exists()


def test_a_plan_and_a_report_say_what_changes_nothing(tmp_path: Path) -> None:
    arguments = ("model=vgg16", "model.width=1", "model.hidden=[4]", "features=cumulative", "catalogue.order=[batch_norm,gap]", "seeds=1")
    sentence = "gap changes nothing in model=vgg16 at 16 × 16 pixels"
    small = ("data=digits", "data.limit=60", "training.epochs=1")
    plan = in_this_process(tmp_path, *arguments, *small, "plan=true")
    assert sentence in plan.out
    assert "batch_norm changes" not in plan.out
    ended = in_this_process(tmp_path, *arguments, *small, "catalogue.order=[gap]")
    assert ended.code == 0, ended.err
    assert sentence in ended.out
    runs = {run.data.tags["ablation.arm"]: run.data.metrics for run in logged(tmp_path).trained}
    assert runs["gap"]["val_loss"] == pytest.approx(runs[""]["val_loss"], abs=1e-6)


BROKEN = '''
from dataclasses import dataclass, replace
import numpy as np

@dataclass(frozen=True)
class Broken:
    """Makes the loss infinite."""
    def __call__(self, recipe):
        return replace(recipe, targets=(*recipe.targets, self.change))
    def change(self, targets):
        return np.full_like(targets, np.inf)
    def verify(self, evidence):
        return True
'''


def test_a_loss_that_becomes_infinite_is_a_failed_run(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(BROKEN)
    add = "+catalogue.features.broken={_target_: broken.Broken}"
    ended = in_this_process(tmp_path, "features=only", "features.on=[broken]", "catalogue.order=[broken]", add, "seeds=1", *TINY[:-1])
    assert ended.code == 1
    assert "broken · seed 0 FAILED: NotFiniteError: loss became" in ended.out
    assert "in epoch 1 of 2" in ended.out
