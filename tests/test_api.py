"""``ablation.run``: any function as the subject, from Python."""

import functools
import os
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import logged, undrawn

import ablation
from ablation.errors import InputError

WORTH = {"one": 0.05, "two": -0.02}
FEATURES = tuple(WORTH)


def score(seed: int, on: dict[str, bool]) -> float:
    """What a training with these features is worth, and noise of its seed and of its own."""
    noise = random.Random(seed).gauss(0, 0.01) + 0.002 * random.Random(f"{seed}{on}").random()
    return 0.7 + sum(WORTH[name] for name, used in on.items() if used) + noise


def train(seed: int, one: bool = False, two: bool = False) -> float:
    return score(seed, {"one": one, "two": two})


@pytest.fixture(autouse=True, scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working folder with MLflow's default store, which these studies share."""
    made = tmp_path_factory.mktemp("api")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield made


def run(function: Callable[..., Any] = train, features: Any = FEATURES, pictures: bool = False, **settings: Any) -> ablation.FinishedStudy:
    with undrawn(not pictures):
        return ablation.run(function, features, **{"execution": "inline", "seeds": 5, **settings})


def test_a_function_is_ablated_and_its_study_read_back(folder: Path) -> None:
    study = run(metric="val_accuracy", name="mine", pictures=True)
    assert study.effects.set_index("feature").effect.to_dict() == pytest.approx(WORTH, abs=0.003)
    assert list(study.effects.verdict) == ["helps", "hurts"]
    assert study.contribution().get_axes()
    assert study.report().read_text().startswith("<!DOCTYPE html>")
    read = ablation.load_study("mine")
    assert read.runs.equals(study.runs) and read.table.equals(study.table)
    [parent] = [run for run in logged(folder).parents if run.info.run_name == "mine"]
    assert parent.data.params["metric"] == "val_accuracy"


def test_nothing_is_run_twice_and_another_design_runs_what_it_adds(folder: Path) -> None:
    def made(**settings: Any) -> int:
        before = len(logged(folder).trained)
        run(metric="shared", **settings)
        return len(logged(folder).trained) - before

    assert made() == 3 * 5
    assert made() == 0
    assert made(design=["cumulative", "leave_one_out", "one_at_a_time"]) == 5
    assert made(features=["two", "one"], seeds=[0, 1]) == 0, "another order has no other arms"


def test_lower_is_better_where_the_function_returns_a_loss() -> None:
    study = run(lambda seed, one=False, two=False: 1 - score(seed, {"one": one, "two": two}), metric="loss", higher_is_better=False)
    assert list(study.effects.verdict) == ["helps", "hurts"]
    assert study.effects.effect[0] == pytest.approx(-0.05, abs=0.003)
    assert "lower is better" in study._repr_markdown_()


def test_fractions_can_be_shown_in_percent() -> None:
    text = run(unit="%", scale=100, smallest=0.5, metric="accuracy")._repr_markdown_()
    assert "| arm | accuracy % |" in text and "Effects are percentage points of accuracy." in text
    assert re.search(r"\| \+ one \| 7[56]\.\d+ ± 0\.\d+ \| \+[45]\.\d+ \|", text)


def test_features_may_change_any_arguments_and_exclude_each_other(folder: Path) -> None:
    def fit(seed: int, optimizer: str = "sgd", rate: float = 0.1, clip: bool = False) -> float:
        return {"sgd": 0.1, "adamw": 0.3, "lion": 0.2}[optimizer] + rate + 0.05 * clip + 0.01 * random.Random(seed).random()

    features = {"adamw": {"optimizer": "adamw", "rate": 0.2}, "lion": {"optimizer": "lion"}, "clip": None}
    study = run(fit, features, design="factorial", metric="score")
    assert len(study.findings.arms) == 6, "never adamw with lion"
    assert study.effects.set_index("feature").effect["adamw"] == pytest.approx(0.3)
    shown = {run.data.params.get("feature.adamw") for run in logged(folder).trained if run.data.params["function"] == "fit"}
    assert shown == {None, "optimizer=adamw, rate=0.2"}


def test_closures_partials_and_methods_run_in_other_processes() -> None:
    here = os.getpid()
    data = np.random.default_rng(0).normal(size=1000)

    def closure(seed: int, one: bool = False, two: bool = False) -> float:
        assert os.getpid() != here
        return float(data[seed : seed + 100].mean()) + score(seed, {"one": one, "two": two})

    class Trainer:
        def __init__(self, offset: float) -> None:
            self.offset = offset

        def fit(self, seed: int, one: bool = False, two: bool = False) -> float:
            return self.offset + closure(seed, one, two)

    study = run(functools.partial(Trainer(0.5).fit, two=True), ["one"], seeds=2, execution="local")
    assert study.effects.effect[0] == pytest.approx(0.05, abs=0.003)


def test_closures_partials_and_methods_are_called_by_their_names() -> None:
    class Trainer:
        def fit(self, seed: int, one: bool = False) -> float:
            return train(seed, one)

    def closure(seed: int, one: bool = False) -> float:
        return train(seed, one)

    for name, function in {"closure": closure, "train": functools.partial(train, two=True), "Trainer.fit": Trainer().fit}.items():
        assert run(function, ["one"], seeds=2, name=name.replace(".", " ")).findings.description.startswith(f"Function: {name}")


def test_a_function_may_report_epochs_and_return_more_than_its_score() -> None:
    def fit(seed: int, one: bool = False, report: Any = None) -> dict[str, float]:
        for epoch in (1, 2, 3):
            report(epoch=epoch, score=0.1 * epoch, loss=1 / epoch)
        return {"score": 0.3 + 0.1 * one + 0.01 * seed, "weights": 100.0 + one}

    study = run(fit, ["one"], seeds=2)
    assert list(study.epochs.columns) == ["arm", "seed", "epoch", "score", "loss"]
    assert len(study.epochs) == 2 * 2 * 3
    assert study.runs.weights.tolist() == [100.0, 100.0, 101.0, 101.0]
    assert study.learning_curves().get_axes()


def test_seeds_are_decided_after_a_pilot() -> None:
    study = run(seeds="auto", precision=0.0001, max_seeds=6)
    assert study.findings.seeds == (0, 1, 2, 3, 4, 5)
    assert study.findings.precision is not None and not study.findings.precision.met


def test_a_function_that_ignores_its_seed_is_pointed_out() -> None:
    def fixed(seed: int, one: bool = False) -> float:
        return 0.5 + 0.1 * one

    assert "the runs do not seem to use their seed" in run(fixed, ["one"], seeds=3)._repr_markdown_()


def test_a_run_without_a_score_fails_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    def fit(seed: int, one: bool = False) -> Any:
        return float("nan") if one else 0.5 + 0.01 * seed

    study = run(fit, ["one"], seeds=2, metric="val_accuracy")
    assert study.effects.verdict[0] == "no estimate"
    assert len(study.runs) == 2
    printed = capsys.readouterr().out
    assert "FAILED: fit returned nan" in printed


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"design": "fractionl"}, "did you mean 'fractional'?"),
        ({"features": ["oen"]}, "did you mean 'one'?"),
        ({"features": []}, "feature"),
        ({"seeds": 0}, "seeds must be a whole number of at least 1"),
        ({"seeds": "auto"}, "needs precision"),
        ({"orders": 4}, "design='shapley'"),
        ({"execution": "locl"}, "expected 'local', 'inline'"),
        ({"scale": 0}, "scale must be a number above 0, not 0"),
        ({"bounds": (1, 0)}, "bounds=(1, 0) is no pair of a lowest and a highest score; expected for instance [0, 1]"),
        ({"higher_is_better": "no"}, "higher_is_better must be true or false"),
        ({"smallest": -1}, "smallest must be a number"),
        ({"exclusive": [["one", "tow"]]}, "did you mean 'two'?"),
        ({"name": "a/b"}, "cannot name a folder"),
        ({"function": len}, "len"),
        ({"function": 3}, "cannot be called"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_bad_input_is_refused_before_anything_runs(
    settings: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as raised:
        run(**settings)
    assert message in str(raised.value) and len(str(raised.value).splitlines()) == 1
    assert not (tmp_path / "mlflow.db").exists()
