"""A run's key changes with all that determines its numbers, and with nothing else."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ablation.images.catalogue import Catalogue, compose
from ablation.images.features import Dropout, Feature, Mixup
from ablation.images.models import CNN
from ablation.images.recipe import Recipe
from ablation.images.run import DataChoice, Run
from ablation.images.training import settings
from ablation.images.training.settings import Training

DATA = DataChoice("sprites", "sprites (synthetic)", "sprites 1", None, "held_out", 0.2)


def run(**changes: Any) -> Run:
    """Make a run of the arm with dropout and mixup, with changes to its parts."""
    features = changes.pop("features", {"dropout": Dropout(), "mixup": Mixup()})
    model, training = changes.pop("model", CNN(4)), changes.pop("training", Training(2, 16))
    settings_of_run: dict[str, Any] = {
        "arm": frozenset(features),
        "features": features,
        "model": model,
        "recipe": compose(training.recipe(), features, model, "cnn"),
        "training": training,
        "data": replace(DATA, **changes.pop("data", {})),
        "seed": 0,
        "backend": "tensorflow",
        "test": False,
        "save_model": False,
        "staged": Path("cache"),
        "threads": 1,
        "label": "+ mixup",
    }
    return Run(**{**settings_of_run, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"model": CNN(8)},
        {"training": Training(3, 16)},
        {"training": Training(2, 32)},
        {"training": Training(2, 16, "adamw")},
        {"training": Training(2, 16, learning_rate=0.002)},
        {"training": Training(2, 16, precision="bfloat16")},
        {"features": {"dropout": Dropout(0.3), "mixup": Mixup()}},
        {"features": {"dropout": Dropout()}},
        {"features": {}},
        {"data": {"identity": "sprites 2"}},
        {"data": {"limit": 100}},
        {"data": {"validation": "test"}},
        {"data": {"fraction": 0.3}},
        {"backend": "jax"},
    ],
    ids=str,
)
def test_what_determines_the_numbers_changes_the_key(changes: dict[str, Any]) -> None:
    assert run(**changes).key != run().key


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"label": "all − gap"},
        {"staged": Path("/elsewhere")},
        {"threads": None},
        {"save_model": True},
        {"test": True},
        {"data": {"name": "mine", "description": "in other words"}},
        {"training": Training(epochs=2, batch_size=16, optimizer="adam", learning_rate=1e-3)},
        {"features": {"drop": Dropout(), "mix": Mixup()}},
        {"features": {"dropout": Dropout(), "mixup": Mixup(alpha=2 / 10)}},
    ],
    ids=str,
)
def test_what_does_not_leaves_the_key_as_it_is(changes: dict[str, Any]) -> None:
    assert run(**changes).key == run().key


def test_a_whole_number_and_the_same_number_with_a_point_are_one_setting() -> None:
    assert run(features={"mixup": Mixup(1)}).key == run(features={"mixup": Mixup(1.0)}).key
    assert run(training=Training(2, 16, learning_rate=1)).key == run(training=Training(2, 16, learning_rate=1.0)).key


def test_seeds_of_an_arm_share_a_program_and_arms_do_not() -> None:
    assert run(seed=1).program_key == run().program_key
    assert run(features={}).program_key != run().program_key
    assert run(seed=1).key != run().key


def test_the_version_of_the_training_code_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = run().key
    monkeypatch.setattr("ablation.images.run.VERSION", settings.VERSION + 1)
    assert run().key != before


def test_an_arm_has_one_key_in_every_study(article: dict[str, Feature]) -> None:
    arm = frozenset({"mixup", "gap", "augmentation"})
    orders = (None, ["mixup", "gap", "augmentation"], ["gap", "augmentation", "mixup"])
    keys = {run(features=Catalogue(article, order).of(arm)).key for order in orders}
    assert len(keys) == 1


def test_all_arms_and_seeds_have_keys_of_their_own(article: dict[str, Feature]) -> None:
    arms = [dict(list(article.items())[:count]) for count in range(8)]
    keys = {run(features=features, seed=seed).key for features in arms for seed in range(3)}
    assert len(keys) == 24


def test_the_key_is_the_same_in_another_process() -> None:
    program = "from test_run_key import run; print(run().key)"
    here = Path(__file__).parent
    environment = {"PYTHONPATH": f"{here.parent}", "PYTHONHASHSEED": "7"}
    told = subprocess.run([sys.executable, "-c", program], cwd=here, capture_output=True, text=True, check=True, env=environment)
    assert told.stdout.strip() == run().key


# Classes from outside -----------------------------------------------------------------------------------------------------------

OUTSIDE = """
from dataclasses import dataclass, replace

@dataclass(frozen=True)
class Smooth:
    amount: float = 0.1

    def __call__(self, recipe):
        return replace(recipe, targets=(*recipe.targets, self.smooth))

    def smooth(self, targets):
        return targets * (1 - self.amount) + self.amount / targets.shape[1]

    def verify(self, evidence):
        return True
"""


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module of the user's own with a feature in it."""
    (tmp_path / "my_smoothing.py").write_text(OUTSIDE)
    monkeypatch.syspath_prepend(tmp_path)
    # Sources that change within a second would else be taken from the compiled file.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield importlib.import_module("my_smoothing")
    del sys.modules["my_smoothing"]


def test_an_edit_of_a_feature_from_outside_is_another_training(outside: ModuleType) -> None:
    before = run(features={"smooth": outside.Smooth()}).key
    assert run(features={"smooth": outside.Smooth()}).key == before
    assert run(features={"smooth": outside.Smooth(0.2)}).key != before
    assert outside.__file__ is not None
    Path(outside.__file__).write_text(OUTSIDE.replace("/ targets.shape[1]", "/ (targets.shape[1] - 1)"))
    importlib.invalidate_caches()
    importlib.reload(outside)
    assert run(features={"smooth": outside.Smooth()}).key != before
    Path(outside.__file__).write_text(OUTSIDE)
    importlib.reload(outside)
    assert run(features={"smooth": outside.Smooth()}).key == before


class Loud:
    """A feature that is no dataclass: its attributes are its parameters."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, dropout=self.rate)

    def verify(self, evidence: object) -> bool:
        return True


@dataclass(frozen=True)
class Nested:
    """A feature whose parameters are lists and objects."""

    parts: tuple[Any, ...]

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, dropout=0.5)

    def verify(self, evidence: object) -> bool:
        return True


def test_parameters_of_any_kind_count() -> None:
    own = (Loud(0.2), Loud(0.3), Nested((Dropout(0.2),)), Nested((Dropout(0.3),)), Nested(({"a": 1},)))
    keys = [run(features={"own": feature}).key for feature in own]
    assert len(set(keys)) == len(keys)
    assert run(features={"own": Loud(0.2)}).key == keys[0]


# What MLflow shows --------------------------------------------------------------------------------------------------------------


def test_settings_are_shown_by_name() -> None:
    shown = run(data={"limit": 100}, seed=3).params()
    assert shown["feature.dropout"] == "rate=0.2"
    assert shown["feature.mixup"] == "alpha=0.2"
    assert (shown["model"], shown["model.width"], shown["training.epochs"], shown["data.limit"]) == ("CNN", "4", "2", "100")
    assert (shown["seed"], shown["backend"]) == ("3", "tensorflow")
    assert all(isinstance(value, str) for value in shown.values())


def test_a_feature_without_parameters_is_shown_as_on(article: dict[str, Feature]) -> None:
    assert run(features={"gap": article["gap"]}).params()["feature.gap"] == "on"
    assert run(features={}).tags == {"ablation.arm": "", "ablation.seed": "0"}
    assert run().tags["ablation.arm"] == "dropout,mixup"
    assert run(seed=2).name == "+ mixup · seed 2"
