"""Averages of a network's weights, in variables beside them: for the backends whose networks are trained in place."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

from ablation.images.recipe import Recipe
from ablation.images.training.averaging import averaged, shares
from ablation.images.training.learning_rate import Lookup


class Averages:
    """Nothing at all where a recipe does not average weights."""

    def __init__(self, network: keras.Model, recipe: Recipe, steps: int) -> None:
        chosen = averaged(network.weights) if recipe.averaging else ()
        self._weights = [weight for weight, use in zip(network.weights, chosen, strict=False) if use]
        self._means = [keras.Variable(ops.convert_to_numpy(weight), trainable=False, dtype=weight.dtype) for weight in self._weights]
        self._share = Lookup(shares(recipe.averaging, steps)) if recipe.averaging else None

    def start(self) -> None:
        """Start from the current weights."""
        _assign(self._means, self._weights)

    def add(self, step: Any) -> None:
        """Add the current weights, those after ``step``, from 0."""
        if self._share is None:
            return
        kept = self._share(step)
        for mean, weight in zip(self._means, self._weights, strict=True):
            mean.assign(mean.value * kept + weight.value * (1 - kept))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the network have the averages in this context."""
        before = [ops.convert_to_numpy(weight).copy() for weight in self._weights]
        _assign(self._weights, self._means)
        try:
            yield
        finally:
            for weight, value in zip(self._weights, before, strict=True):
                weight.assign(value)

    def finish(self) -> None:
        """Let the network keep the averages."""
        _assign(self._weights, self._means)


def _assign(variables: list[keras.Variable], values: list[keras.Variable]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value.value)
