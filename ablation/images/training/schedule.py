"""Schedules: which share of the learning rate each step of a training takes, as pure functions of the step and the number of steps."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from ablation.errors import InputError
from ablation.images.slots import Optimizer, Schedule

RISE, START = 0.3, 0.04
"""Share of the steps in which one cycle rises, and the share of the highest learning rate at which it starts."""


@dataclass(frozen=True)
class Cosine:
    """Fall to nothing along half a cosine.

    Loshchilov and Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts", without restarts.
    """

    def __call__(self, step: int, steps: int) -> float:
        """Return the share of the learning rate at a step, from 0."""
        return (1 + math.cos(math.pi * step / steps)) / 2


@dataclass(frozen=True)
class Stepwise:
    """Fall to a tenth after half of the steps, and to a hundredth after three quarters.

    He et al. 2016, "Deep Residual Learning for Image Recognition", on CIFAR-10.
    """

    def __call__(self, step: int, steps: int) -> float:
        """Return the share of the learning rate at a step, from 0."""
        return 0.1 ** sum(step >= part * steps for part in (0.5, 0.75))


@dataclass(frozen=True)
class OneCycle:
    """Rise linearly, then fall to zero along half a cosine.

    So a training neither fails in its first steps nor ends wherever the last few images have pushed it. Smith and Topin 2018,
    "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates".
    """

    def rising(self, steps: int) -> int:
        """Return how many of the steps rise."""
        return max(round(RISE * steps), 1)

    def __call__(self, step: int, steps: int) -> float:
        """Return the share of the learning rate at a step, from 0."""
        rising = self.rising(steps)
        if step < rising:
            return START + (1 - START) * step / rising
        return (1 + math.cos(math.pi * min((step - rising) / max(steps - rising, 1), 1))) / 2


@dataclass(frozen=True)
class EachEpoch:
    """Keep a share of the rate from one epoch to the next.

    Args:
        share: what is kept.
        epochs: into which the steps are divided.
    """

    share: float
    epochs: int

    def __call__(self, step: int, steps: int) -> float:
        """Return the share of the learning rate at a step, from 0."""
        return self.share ** (step * self.epochs // steps)


SCHEDULES: Mapping[str, Schedule | None] = MappingProxyType(
    {"constant": None, "cosine": Cosine(), "step": Stepwise(), "one_cycle": OneCycle()}
)
"""What ``training.schedule`` names."""


def rates(optimizer: Optimizer, steps: int) -> np.ndarray:
    """Return the learning rate of every step of a training, shape ``(steps,)``, float32.

    In a warm-up it rises linearly to its height, and the schedule runs over the steps after it, but for epochs, which are those of the
    whole training. Goyal et al. 2017, "Accurate, Large Minibatch SGD".

    Raises:
        InputError: if a schedule returns no share of the learning rate.
    """
    rising = max(round(optimizer.warmup * steps), 1) if optimizer.warmup else 0
    shares = [(step + 1) / (rising + 1) for step in range(rising)]
    for step in range(steps - rising):
        share = _share(optimizer.schedule, step, steps, rising)
        if not (isinstance(share, int | float | np.number) and 0 <= share < math.inf):
            raise InputError(
                f"the schedule {optimizer.schedule!r} returns {share!r} at step {step} of {steps - rising}; "
                "expected a share of the learning rate, such as 0.5"
            )
        shares.append(float(share))
    return np.array(shares, np.float32) * np.float32(optimizer.learning_rate)


def _share(schedule: Schedule | None, step: int, steps: int, rising: int) -> object:
    """Return the share of the learning rate at a step after the warm-up, from 0."""
    if schedule is None:
        return 1.0
    if isinstance(schedule, EachEpoch):
        return schedule(rising + step, steps) / schedule(rising, steps)
    return schedule(step, steps - rising)
