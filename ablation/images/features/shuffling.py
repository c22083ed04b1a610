"""Shuffling of the training images."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ablation.images.features.feature import Evidence
from ablation.images.recipe import Recipe


@dataclass(frozen=True)
class Shuffling:
    """Draw the order of the training images anew for each epoch; goes with ``training.shuffle=false``, which leaves them as stored.

    Robbins and Monro 1951, "A Stochastic Approximation Method", whose steps see independent samples.
    """

    known_as: ClassVar[str] = "shuffling"

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, order=None)

    def verify(self, evidence: Evidence) -> bool:
        """The images do not come in the order in which they are stored."""
        return not np.array_equal(evidence.order, np.sort(evidence.order))
