"""Label smoothing."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ablation.checks import number
from ablation.images.features.feature import Evidence
from ablation.images.recipe import Recipe


@dataclass(frozen=True)
class LabelSmoothing:
    """Move a little of each label's weight to all classes evenly.

    Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision", section 7.

    Args:
        amount: the weight that is moved.
    """

    known_as: ClassVar[str] = "label_smoothing"
    amount: float = 0.1

    def __post_init__(self) -> None:
        number("label_smoothing.amount", self.amount, above=0, below=1)

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, targets=(*recipe.targets, self.smooth))

    def smooth(self, targets: np.ndarray) -> np.ndarray:
        """Return the smoothed labels, ``(n, classes)`` both."""
        return targets * (1 - self.amount) + self.amount / targets.shape[1]

    def verify(self, evidence: Evidence) -> bool:
        """Every class has at least its share of the weight that is moved, and labels still sum to 1."""
        least = self.amount / evidence.targets.shape[1]
        return bool((evidence.targets >= least * 0.999).all()) and np.allclose(evidence.targets.sum(axis=1), 1, atol=1e-5)
