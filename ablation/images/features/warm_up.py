"""Warm-up of the learning rate."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ablation.checks import number
from ablation.images.features.feature import Evidence
from ablation.images.recipe import Recipe


@dataclass(frozen=True)
class WarmUp:
    """Let the learning rate first rise linearly; a schedule runs over the other steps.

    Goyal et al. 2017, "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour".

    Args:
        share: of the steps.
    """

    known_as: ClassVar[str] = "warm_up"
    share: float = 0.05

    def __post_init__(self) -> None:
        number("warm_up.share", self.share, above=0, below=1)

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, optimizer=replace(recipe.optimizer, warmup=self.share))

    def verify(self, evidence: Evidence) -> bool:
        """In these steps the learning rate rises linearly to its height."""
        rising = max(round(self.share * len(evidence.learning_rates)), 1)
        expected = evidence.learning_rate * np.arange(1, rising + 1) / (rising + 1)
        return np.allclose(evidence.learning_rates[:rising], expected, rtol=1e-4)
