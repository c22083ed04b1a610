"""The settings of a training that are not features."""

from dataclasses import dataclass, field
from typing import ClassVar

from ablation.checks import choice, number, shown, whole
from ablation.errors import InputError
from ablation.images.optimizers import having, optimizers
from ablation.images.recipe import Recipe
from ablation.images.slots import Optimizer, Scaling
from ablation.images.training.schedule import SCHEDULES
from ablation.study.key import LATER
from ablation.wording import counted, listed

VERSION = 7
"""Version of the training code. Raise it with any change that changes a run's numbers: runs of another version are not reused."""

PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
"""Precisions that a network can compute in, with Keras' names for them. Weights, the loss and the optimiser are float32 in both."""

MOST_EPOCHS, HIGHEST_RATE = 1_000_000, 1_000
"""Far beyond what trains anything."""

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
        schedule: how the learning rate runs: constant; cosine, which falls to zero; step, which falls to a tenth and a hundredth; or
            one_cycle, which rises to it and falls to zero.
        precision: what the network's layers compute in, float32 or bfloat16.
        warmup: share of the steps in which the learning rate first rises.
        weight_decay: share of each weight that a step takes away, times the learning rate; None is the optimiser's own.
        momentum: of the optimiser; None is its own.
        clip: the largest norm of all gradients together; None for any.
    """

    known_as: ClassVar[str] = "training"
    epochs: int
    batch_size: int
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    schedule: str = "constant"
    precision: str = "float32"
    warmup: float = field(default=0.0, metadata=LATER)
    weight_decay: float | None = field(default=None, metadata=LATER)
    momentum: float | None = field(default=None, metadata=LATER)
    clip: float | None = field(default=None, metadata=LATER)

    def __post_init__(self) -> None:
        whole("training.epochs", self.epochs, 1, MOST_EPOCHS)
        whole("training.batch_size", self.batch_size, 1)
        number("training.learning_rate", self.learning_rate, above=0, at_most=HIGHEST_RATE)
        choice("training.schedule", self.schedule, SCHEDULES)
        choice("training.precision", self.precision, PRECISIONS)
        choice("training.optimizer", self.optimizer, optimizers())
        if isinstance(self.warmup, int | float) and 1 <= self.warmup < self.epochs:
            share = f"for {counted(round(self.warmup), 'epoch')} of {self.epochs}: training.warmup={self.warmup / self.epochs:.3g}"
            raise InputError(f"training.warmup is the share of the steps that rise, below 1, not {shown(self.warmup)}; {share}")
        number("training.warmup", self.warmup, at_least=0, below=1)
        number("training.weight_decay", self.weight_decay, at_least=0, optional=True)
        number("training.momentum", self.momentum, at_least=0, below=1, optional=True)
        number("training.clip", self.clip, above=0, optional=True)
        for name in ("weight_decay", "momentum"):
            if getattr(self, name) is not None and name not in optimizers()[self.optimizer]:
                others = ", ".join(having(name))
                raise InputError(
                    f"training.{name} does not go with training.optimizer={self.optimizer}, which has none; training.optimizer can be "
                    f"one of: {others}"
                )

    def recipe(self) -> Recipe:
        """Return the recipe of the baseline, in which only the optimiser is set."""
        options = {"weight_decay": self.weight_decay, "momentum": self.momentum, "global_clipnorm": self.clip}
        optimizer = Optimizer(self.optimizer, self.learning_rate, SCHEDULES[self.schedule], self.warmup)
        return Recipe(optimizer=optimizer.with_options(**{name: value for name, value in options.items() if value is not None}))

    def in_words(self) -> str:
        """Name the optimiser and all that is set of it."""
        extras = [
            *([f"a warm-up over {self.warmup:.0%} of the steps"] if self.warmup else []),
            *([f"a weight decay of {self.weight_decay:g}"] if self.weight_decay is not None else []),
            *([f"a momentum of {self.momentum:g}"] if self.momentum is not None else []),
            *([f"gradients clipped to a norm of {self.clip:g}"] if self.clip is not None else []),
        ]
        schedule = f"a {self.schedule.replace('_', '-')} schedule"
        return f"{self.optimizer}, {listed([f'a learning rate of {self.learning_rate:g}', schedule, *extras], 'and')}"
