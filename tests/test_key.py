"""A run's key changes with all that determines its numbers, and with nothing else."""

import importlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ablation.designs import Arm, all_on, cumulative
from ablation.images.catalogue import Catalogue
from ablation.images.data import Dataset
from ablation.images.features import Dropout, Feature, Mixup
from ablation.images.models import CNN
from ablation.images.recipe import Recipe
from ablation.images.subject import Images
from ablation.images.training import settings
from ablation.images.training.settings import Training
from ablation.study.key import described
from ablation.study.study import Study
from ablation.study.subject import Trial


@dataclass(frozen=True)
class Made:
    """Images that are never looked at."""

    made: str = "sprites 1"
    description: str = "sprites (synthetic)"

    def identity(self) -> str:
        return self.made

    def load(self) -> Dataset:
        raise AssertionError("a key needs no image")


def images(**changes: Any) -> Images:
    """Make the subject with dropout and mixup, with changes to its parts."""
    features = changes.pop("features", {"dropout": Dropout(), "mixup": Mixup()})
    parts: dict[str, Any] = {
        "catalogue": Catalogue(features) if isinstance(features, dict) else features,
        "model": CNN(4),
        "model_name": "cnn",
        "training": Training(2, 16),
        "source": Made(),
        "data_name": "sprites",
    }
    return Images(**{**parts, **changes})


def trial(seed: int = 0, **changes: Any) -> Trial:
    """Return the trial of the arm that has every feature."""
    subject = images(**changes)
    [made] = Study(subject, (all_on(subject.features),), (seed,)).trials
    return made


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
        {"training": Training(2, 16, warmup=0.1)},
        {"training": Training(2, 16, weight_decay=0.0)},
        {"training": Training(2, 16, clip=1.0)},
        {"training": Training(2, 16, l2=0.1)},
        {"training": Training(2, 16, shuffle=False)},
        {"features": {"dropout": Dropout(0.3), "mixup": Mixup()}},
        {"features": {"dropout": Dropout()}},
        {"source": Made("sprites 2")},
        {"limit": 100},
        {"validation": "test"},
        {"fraction": 0.3},
        {"normalise": "unit"},
        {"backend": "jax"},
    ],
    ids=str,
)
def test_what_determines_the_numbers_changes_the_key(changes: dict[str, Any]) -> None:
    assert trial(**changes).key != trial().key


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"normalise": "symmetric"},
        {"save_model": True},
        {"data_name": "mine", "source": Made(description="in other words")},
        {"model_name": "net"},
        {"training": Training(epochs=2, batch_size=16, optimizer="adam", learning_rate=1e-3)},
        {"features": {"drop": Dropout(), "mix": Mixup()}},
        {"features": {"dropout": Dropout(), "mixup": Mixup(alpha=2 / 10)}},
    ],
    ids=str,
)
def test_what_does_not_leaves_the_key_as_it_is(changes: dict[str, Any]) -> None:
    assert trial(**changes).key == trial().key


def test_a_whole_number_and_the_same_number_with_a_point_are_one_setting() -> None:
    assert trial(features={"mixup": Mixup(1)}).key == trial(features={"mixup": Mixup(1.0)}).key
    assert trial(training=Training(2, 16, learning_rate=1)).key == trial(training=Training(2, 16, learning_rate=1.0)).key


def test_a_setting_that_came_later_leaves_the_keys_of_older_runs_as_they_are() -> None:
    assert described(Training(2, 16))["parameters"].keys() == {
        *("epochs", "batch_size", "optimizer", "learning_rate", "schedule", "precision"),
    }
    assert described(Training(2, 16, clip=1.0))["parameters"]["clip"] == 1


def test_seeds_of_an_arm_share_a_group_and_arms_do_not() -> None:
    assert trial(seed=1).group == trial().group
    assert trial(features={"dropout": Dropout()}).group != trial().group
    assert trial(seed=1).key != trial().key


def test_the_version_of_the_training_code_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = trial().key
    monkeypatch.setattr("ablation.images.subject.VERSION", settings.VERSION + 1)
    assert trial().key != before


def test_an_arm_has_one_key_in_every_study(article: dict[str, Feature]) -> None:
    arm: Arm = frozenset({"mixup", "gap", "augmentation"})
    orders = (None, ["mixup", "gap", "augmentation"], ["gap", "augmentation", "mixup"])
    identities = [images(features=Catalogue(article, order)).identity(arm) for order in orders]
    assert identities[0] == identities[1] == identities[2]


def test_all_arms_and_seeds_have_keys_of_their_own(article: dict[str, Feature]) -> None:
    subject = images(features=article)
    keys = {each.key for each in Study(subject, (cumulative(subject.features),), (0, 1, 2)).trials}
    assert len(keys) == 24


def test_the_key_is_the_same_in_another_process() -> None:
    program = "from test_key import trial; print(trial().key)"
    here = Path(__file__).parent
    environment = {"PYTHONPATH": f"{here.parent}", "PYTHONHASHSEED": "7"}
    ended = subprocess.run([sys.executable, "-c", program], cwd=here, capture_output=True, text=True, check=True, env=environment)
    assert ended.stdout.strip() == trial().key


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
    before = trial(features={"smooth": outside.Smooth()}).key
    assert trial(features={"smooth": outside.Smooth()}).key == before
    assert trial(features={"smooth": outside.Smooth(0.2)}).key != before
    assert outside.__file__ is not None
    Path(outside.__file__).write_text(OUTSIDE.replace("/ targets.shape[1]", "/ (targets.shape[1] - 1)"))
    importlib.invalidate_caches()
    importlib.reload(outside)
    assert trial(features={"smooth": outside.Smooth()}).key != before
    Path(outside.__file__).write_text(OUTSIDE)
    importlib.reload(outside)
    assert trial(features={"smooth": outside.Smooth()}).key == before


def test_a_class_from_outside_may_move_to_another_file(outside: ModuleType, tmp_path: Path) -> None:
    before = described(outside.Smooth())
    shutil.copy(tmp_path / "my_smoothing.py", tmp_path / "elsewhere.py")
    moved = importlib.import_module("elsewhere")
    assert described(moved.Smooth()) == before
    del sys.modules["elsewhere"]


def test_a_class_that_inherits_from_one_of_ours_is_another_one() -> None:
    @dataclass(frozen=True)
    class Stronger(Dropout):
        rate: float = 0.5

    assert "source" in described(Stronger())
    assert described(Stronger(0.2)) != described(Dropout(0.2))


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
    keys = [trial(features={"own": feature}).key for feature in own]
    assert len(set(keys)) == len(keys)
    assert trial(features={"own": Loud(0.2)}).key == keys[0]


# What MLflow shows --------------------------------------------------------------------------------------------------------------


def test_settings_are_shown_by_name() -> None:
    shown = trial(seed=3, limit=100).params
    assert shown["feature.dropout"] == "rate=0.2"
    assert shown["feature.mixup"] == "alpha=0.2"
    assert (shown["model"], shown["model.width"], shown["training.epochs"], shown["data.limit"]) == ("CNN", "4", "2", "100")
    assert (shown["seed"], shown["backend"]) == ("3", "tensorflow")
    assert all(isinstance(value, str) for value in shown.values())


def test_a_feature_without_parameters_is_shown_as_on(article: dict[str, Feature]) -> None:
    assert trial(features={"gap": article["gap"]}).params["feature.gap"] == "on"
    assert trial().features == ("dropout", "mixup")
    assert trial(seed=2).name == "all · seed 2"
