"""Averages of weights over the steps of a training."""

from collections.abc import Sequence

import keras
import numpy as np

from ablation.errors import InputError
from ablation.images.slots import Averaging


def shares(averaging: Averaging, steps: int) -> np.ndarray:
    """Return the share that the average keeps at every step of a training, shape ``(steps,)``, float32.

    Raises:
        InputError: if one is no share.
    """
    drawn = [averaging(step, steps) for step in range(steps)]
    for step, share in enumerate(drawn):
        if not (isinstance(share, int | float | np.number) and 0 <= share <= 1):
            raise InputError(f"the averaging {averaging!r} returns {share!r} at step {step} of {steps}; expected a share from 0 to 1")
    return np.array(drawn, np.float32)


def averaged(variables: Sequence[keras.Variable]) -> list[bool]:
    """Say which of a network's variables are averaged: weights and moving statistics, but not the seeds of its random layers."""
    return ["float" in keras.backend.standardize_dtype(variable.dtype) for variable in variables]
