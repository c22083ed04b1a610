"""The settings of a training that are not features."""

from dataclasses import dataclass, field
from typing import ClassVar

from ablation.checks import choice, flag, number, shown, whole
from ablation.errors import InputError
from ablation.images.optimizers import having, optimizers
from ablation.images.recipe import Recipe
from ablation.images.slots import LayerFactory, Optimizer, Scaling, Schedule, Standardisation
from ablation.images.training.order import AsStored
from ablation.images.training.penalty import L2
from ablation.images.training.schedule import SCHEDULES, EachEpoch
from ablation.study.key import LATER
from ablation.wording import counted, listed

VERSION = 11
"""Version of the training code. Raise it with any change that changes a run's numbers: runs of another version are not reused."""

PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
"""Precisions that a network can compute in, with Keras' names for them. Weights, the loss and the optimiser are float32 in both."""

EXPONENTIAL = "exponential"
"""The schedule that has a setting of its own."""

MOST_EPOCHS, HIGHEST_RATE = 1_000_000, 1_000
"""Far beyond what trains anything."""

SCALINGS: dict[str, LayerFactory | None] = {"unit": None, "symmetric": Scaling(2, -1), "per_image": Standardisation()}
"""What ``data.normalise`` names: pixels in [0, 1], in [−1, 1], or of mean 0 and standard deviation 1 in each image."""


@dataclass(frozen=True)
class Training:
    """How long, in which batches and with which optimiser an arm is trained.

    Args:
        epochs: passes over the training images.
        batch_size: images per step.
        optimizer: name in Keras.
        learning_rate: of the optimiser, at its highest.
        schedule: how the learning rate runs: constant; cosine, which falls to zero; step, which falls to a tenth and a hundredth;
            one_cycle, which rises to it and falls to zero; or exponential, which keeps ``decay`` of it from one epoch to the next.
        precision: what the network's layers compute in, float32 or bfloat16.
        warmup: share of the steps in which the learning rate first rises.
        weight_decay: share of each weight that a step takes away, times the learning rate; None is the optimiser's own.
        momentum: of the optimiser; None is its own.
        clip: the largest norm of all gradients together; None for any.
        decay: the share of the learning rate that is left after each epoch, for the exponential schedule.
        l2: coefficient of an L2 penalty on kernels, whose gradient is so many times the kernel; None for no penalty.
        shuffle: whether the order of the images is drawn anew for each epoch; else they come as they are stored.
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
    decay: float | None = field(default=None, metadata=LATER)
    l2: float | None = field(default=None, metadata=LATER)
    shuffle: bool = field(default=True, metadata=LATER)

    def __post_init__(self) -> None:
        whole("training.epochs", self.epochs, 1, MOST_EPOCHS)
        whole("training.batch_size", self.batch_size, 1)
        number("training.learning_rate", self.learning_rate, above=0, at_most=HIGHEST_RATE)
        choice("training.schedule", self.schedule, (*SCHEDULES, EXPONENTIAL))
        choice("training.precision", self.precision, PRECISIONS)
        choice("training.optimizer", self.optimizer, optimizers())
        if isinstance(self.warmup, int | float) and not isinstance(self.warmup, bool) and 1 <= self.warmup < self.epochs:
            share = f"for {counted(round(self.warmup), 'epoch')} of {self.epochs}: training.warmup={self.warmup / self.epochs:.3g}"
            raise InputError(f"training.warmup is the share of the steps that rise, below 1, not {shown(self.warmup)}; {share}")
        number("training.warmup", self.warmup, at_least=0, below=1)
        if self.warmup and self.schedule == "one_cycle":
            raise InputError(
                "training.warmup does not go with training.schedule=one_cycle, which rises by itself; expected another schedule, such as "
                "training.schedule=cosine"
            )
        number("training.weight_decay", self.weight_decay, at_least=0, optional=True)
        number("training.momentum", self.momentum, at_least=0, below=1, optional=True)
        number("training.clip", self.clip, above=0, optional=True)
        number("training.decay", self.decay, above=0, at_most=1, optional=True)
        number("training.l2", self.l2, above=0, optional=True)
        flag("training.shuffle", self.shuffle)
        if self.schedule == EXPONENTIAL and self.decay is None:
            raise InputError(
                "training.schedule=exponential needs training.decay, the share of the learning rate that is left after each epoch, "
                "such as 0.95"
            )
        if self.schedule != EXPONENTIAL and self.decay is not None:
            raise InputError(f"training.decay goes with training.schedule=exponential, and this training has a {self.schedule} one")
        for name in ("weight_decay", "momentum"):
            if getattr(self, name) is not None and name not in optimizers()[self.optimizer]:
                others = ", ".join(having(name))
                raise InputError(
                    f"training.{name} does not go with training.optimizer={self.optimizer}, which has none; training.optimizer can be "
                    f"one of: {others}"
                )

    def recipe(self) -> Recipe:
        """Return the recipe of the baseline."""
        options = {"weight_decay": self.weight_decay, "momentum": self.momentum, "global_clipnorm": self.clip}
        optimizer = Optimizer(self.optimizer, self.learning_rate, self._schedule(), self.warmup)
        return Recipe(
            optimizer=optimizer.with_options(**{name: value for name, value in options.items() if value is not None}),
            gradients=() if self.l2 is None else (L2(self.l2),),
            order=None if self.shuffle else AsStored(),
        )

    def _schedule(self) -> Schedule | None:
        return SCHEDULES[self.schedule] if self.decay is None else EachEpoch(self.decay, self.epochs)

    def in_words(self) -> str:
        """Name the optimiser and all that is set of it."""
        extras = [
            *([f"a warm-up over {100 * self.warmup:.3g}% of the steps"] if self.warmup else []),
            *([f"a weight decay of {self.weight_decay:g}"] if self.weight_decay is not None else []),
            *([f"a momentum of {self.momentum:g}"] if self.momentum is not None else []),
            *([f"gradients clipped to a norm of {self.clip:g}"] if self.clip is not None else []),
            *([f"an L2 penalty of {self.l2:g} on kernels"] if self.l2 is not None else []),
            *([] if self.shuffle else ["images in the order in which they are stored"]),
        ]
        schedule = f"{'an' if self.schedule == EXPONENTIAL else 'a'} {self.schedule.replace('_', '-')} schedule"
        if self.decay is not None:
            schedule = f"{schedule} that keeps {self.decay:g} of it from one epoch to the next"
        return f"{self.optimizer}, {listed([f'a learning rate of {self.learning_rate:g}', schedule, *extras], 'and')}"
