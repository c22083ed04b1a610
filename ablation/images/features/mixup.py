"""Mixup."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from ablation.checks import number
from ablation.images.features.feature import Evidence
from ablation.images.recipe import Recipe


@dataclass(frozen=True)
class Mixup:
    """Train on weighted means of two images and of their labels.

    Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization". Each image has its own weight.

    Args:
        alpha: the weights are drawn from Beta(alpha, alpha).
    """

    known_as: ClassVar[str] = "mixup"
    alpha: float = 0.2

    def __post_init__(self) -> None:
        number("mixup.alpha", self.alpha, above=0)

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, mixing=self)

    def draw(self, rng: np.random.Generator, count: int, height: int, width: int) -> np.ndarray:
        """Return the share of each image in [0, 1], shape ``(count,)``; its partner gets the rest."""
        return rng.beta(self.alpha, self.alpha, count).astype(np.float32)

    def shares(self, numbers: np.ndarray, height: int, width: int) -> np.ndarray:
        """Return the shares that were drawn: labels are mixed as pixels are."""
        return numbers

    def apply(self, images: Any, partners: Any, numbers: Any) -> Any:
        """Return the weighted means of ``images`` and ``partners`` (batch, height, width, channels)."""
        from keras import ops

        shares = ops.reshape(numbers, (-1, 1, 1, 1))
        return shares * images + (1 - shares) * partners

    def verify(self, evidence: Evidence) -> bool:
        """Pixels and labels are mixed in training, labels still sum to 1, and images are not mixed in evaluation."""
        mixed = evidence.labels_are_mixed() and not np.array_equal(evidence.mixed, evidence.images)
        return mixed and np.array_equal(evidence.evaluated, evidence.images)
