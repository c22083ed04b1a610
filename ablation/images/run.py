"""A run: one arm trained with one seed, and the key that says what determines its numbers."""

import hashlib
import inspect
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ablation.designs import Arm
from ablation.errors import InputError
from ablation.images.features.feature import Feature
from ablation.images.models.model import Model
from ablation.images.recipe import Recipe
from ablation.images.training.settings import VERSION, Training
from ablation.study.findings import RunResult


@dataclass(frozen=True)
class DataChoice:
    """The images of a study, as far as they decide a run's numbers.

    Attributes:
        name: as the user chose it.
        description: in words.
        identity: changes whenever images or labels would.
        limit: how many training images were taken, or None for all.
        validation: ``held_out`` or ``test``.
        fraction: part of the training images that is held out.
        normalise: how pixels are scaled.
    """

    name: str
    description: str
    identity: str
    limit: int | None
    validation: str
    fraction: float
    normalise: str = "unit"


@dataclass(frozen=True, eq=False)
class Run:
    """Everything that a worker needs to train one arm with one seed.

    Attributes:
        arm: names of the features that are on.
        features: the same with their parameters, in the order of application.
        recipe: what they fill.
        backend: tensorflow, jax or torch.
        test: whether the test images are evaluated at the end.
        save_model: whether the trained network is stored.
        staged: folder of the staged images; not part of the key.
        threads: CPU threads of the training, None for the backend's own choice; not part of the key.
        label: the arm's name for people; not part of the key.
    """

    arm: Arm
    features: Mapping[str, Feature]
    model: Model
    recipe: Recipe
    training: Training
    data: DataChoice
    seed: int
    backend: str
    test: bool
    save_model: bool
    staged: Path
    threads: int | None
    label: str

    @property
    def name(self) -> str:
        """What MLflow and the screen call the run."""
        return f"{self.label} · seed {self.seed}"

    def served_by(self, result: RunResult) -> bool:
        """Whether a finished run with this key has all that is asked for: a test score and a stored network where they are."""
        tested = not self.test or result.test_score is not None or self.data.validation == "test"
        return tested and (not self.save_model or result.saved_model)

    @property
    def tags(self) -> dict[str, str]:
        """What finds the run in MLflow by what it is."""
        return {"ablation.arm": ",".join(self.features), "ablation.seed": str(self.seed)}

    def params(self) -> dict[str, str]:
        """Return the settings as MLflow shows them: each feature's parameters, ``on`` for one that has none."""
        on = {f"feature.{name}": _short(feature) for name, feature in self.features.items()}
        model = {f"model.{name}": value for name, value in described(self.model)["parameters"].items()}
        training = {f"training.{name}": value for name, value in described(self.training)["parameters"].items()}
        data = {f"data.{each.name}": getattr(self.data, each.name) for each in fields(DataChoice)}
        settings = {**on, "model": type(self.model).__name__, **model, **training, **data, "seed": self.seed, "backend": self.backend}
        return {name: str(value) for name, value in settings.items()}

    @cached_property
    def program_key(self) -> str:
        """Hash of all that determines the run's numbers but the seed: runs that share it share a compiled network."""
        return digest(
            {
                "version": VERSION,
                "model": described(self.model),
                "features": [described(feature) for feature in self.features.values()],
                "training": described(self.training),
                "data": {
                    each.name: getattr(self.data, each.name) for each in fields(DataChoice) if each.name not in ("name", "description")
                },
                "backend": self.backend,
            }
        )

    @cached_property
    def key(self) -> str:
        """Hash of all that determines the run's numbers. A finished run with this key is not trained again."""
        return digest({"program": self.program_key, "seed": self.seed})


def digest(content: Any) -> str:
    """Return a short hash of something that JSON can hold."""
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()


def described(thing: Any) -> dict[str, Any]:
    """Return an object's class and parameters. For a class outside this package its source counts too: an edit is another thing."""
    kind = type(thing)
    if not is_dataclass(thing) and not hasattr(thing, "__dict__"):
        raise InputError(f"a parameter is {thing!r}, by which a run cannot be recognised again; expected numbers, words, lists or objects")
    values = {each.name: getattr(thing, each.name) for each in fields(thing)} if is_dataclass(thing) else dict(vars(thing))
    description = {"class": f"{kind.__module__}.{kind.__qualname__}", "parameters": {name: _plain(value) for name, value in values.items()}}
    if kind.__module__.partition(".")[0] != "ablation":
        description["source"] = digest(inspect.getsource(sys.modules[kind.__module__]))
    return description


def _short(feature: Feature) -> str:
    parameters = described(feature)["parameters"]
    return ", ".join(f"{name}={value}" for name, value in parameters.items()) or "on"


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)  # 1 and 1.0 are one setting.
    if isinstance(value, str | int | float | bool | None):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return described(value)
