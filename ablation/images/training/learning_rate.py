"""A schedule as a Keras optimiser takes it: the rates of all steps, drawn up beforehand and looked up step by step."""

from typing import Any

import keras
import numpy as np
from keras import ops

from ablation.images.slots import Optimizer
from ablation.images.training.schedule import START, OneCycle, rates


class Lookup(keras.optimizers.schedules.LearningRateSchedule):
    """The rate of each step, shape ``(steps,)``; beyond them, that of the last one."""

    def __init__(self, rates: np.ndarray) -> None:
        self.rates = rates
        self._on_device = ops.convert_to_tensor(rates)

    def __call__(self, step: Any) -> Any:
        """Return the rate of a step, from 0."""
        return ops.take(self._on_device, ops.minimum(ops.cast(step, "int32"), len(self.rates) - 1))

    def get_config(self) -> dict[str, Any]:
        """Return the rates as Keras can write them."""
        return {"rates": self.rates.tolist()}


def learning_rate(optimizer: Optimizer, steps: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return what a Keras optimiser takes as its learning rate.

    Args:
        steps: of the whole training.
    """
    if optimizer.schedule is None and not optimizer.warmup:
        return float(optimizer.learning_rate)  # Keras refuses a whole number
    if isinstance(optimizer.schedule, OneCycle) and not optimizer.warmup:
        # The same rates but for their last bit, computed as in the runs that there are, which are found again by their keys.
        rising = optimizer.schedule.rising(steps)
        return keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=START * optimizer.learning_rate,
            decay_steps=max(steps - rising, 1),
            warmup_target=optimizer.learning_rate,
            warmup_steps=rising,
        )
    return Lookup(rates(optimizer, steps))
