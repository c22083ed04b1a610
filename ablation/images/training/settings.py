"""The settings of a training that are not features."""

from dataclasses import dataclass
from typing import ClassVar

from ablation.checks import choice, number, whole
from ablation.images.recipe import Optimizer, Recipe, Scaling

VERSION = 7
"""Version of the training code. Raise it with any change that changes a run's numbers: runs of another version are not reused."""

OPTIMIZERS = {
    "adam": {"amsgrad"},
    "adamw": {"amsgrad"},
    "sgd": {"momentum", "nesterov"},
    "rmsprop": {"centered", "momentum"},
    "nadam": set(),
    "adagrad": set(),
    "lion": set(),
}
"""Optimisers by their name in Keras, with the options that features may set."""

SCHEDULES = ("constant", "one_cycle")
"""What ``training.schedule`` can be: see :mod:`ablation.images.training.schedule`."""

PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
"""Precisions that a network can compute in, with Keras' names for them. Weights, the loss and the optimiser are float32 in both."""

SCALINGS: dict[str, Scaling | None] = {"unit": None, "symmetric": Scaling(2, -1)}
"""What ``data.normalise`` names: pixels in [0, 1], or in [−1, 1]."""


@dataclass(frozen=True)
class Training:
    """How long, in which batches and with which optimiser an arm is trained.

    Args:
        epochs: passes over the training images.
        batch_size: images per step.
        optimizer: name in Keras.
        learning_rate: of the optimiser, at its highest.
        schedule: how the learning rate runs: constant, or one_cycle, which rises to it and falls to zero.
        precision: what the network's layers compute in, float32 or bfloat16.
    """

    known_as: ClassVar[str] = "training"
    epochs: int
    batch_size: int
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    schedule: str = "constant"
    precision: str = "float32"

    def __post_init__(self) -> None:
        whole("training.epochs", self.epochs, 1)
        whole("training.batch_size", self.batch_size, 1)
        number("training.learning_rate", self.learning_rate, above=0)
        choice("training.schedule", self.schedule, SCHEDULES)
        choice("training.precision", self.precision, PRECISIONS)
        choice("training.optimizer", self.optimizer, OPTIMIZERS)

    def recipe(self) -> Recipe:
        """Return the recipe of the baseline, in which only the optimiser is set."""
        return Recipe(optimizer=Optimizer(self.optimizer, self.learning_rate, self.schedule))
