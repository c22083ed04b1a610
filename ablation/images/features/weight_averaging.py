"""Exponential moving average of weights."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ablation.checks import number
from ablation.images.features.feature import Evidence
from ablation.images.recipe import Recipe


@dataclass(frozen=True)
class WeightAveraging:
    """Validate and keep an exponential moving average of the weights and of batch norm's statistics.

    After Polyak and Juditsky 1992, "Acceleration of Stochastic Approximation by Averaging", who weigh all steps alike. This average
    forgets, and faster in the first steps, as in the code of Tan and Le 2019, "EfficientNet", for it starts from weights that were drawn.

    Args:
        decay: the share of the average that each step keeps.
    """

    known_as: ClassVar[str] = "weight_averaging"
    decay: float = 0.99

    def __post_init__(self) -> None:
        number("weight_averaging.decay", self.decay, above=0, below=1)

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, averaging=self.kept)

    def kept(self, step: int, steps: int) -> float:
        """Return the share of the average that a step keeps."""
        return min(self.decay, (1 + step) / (10 + step))

    def verify(self, evidence: Evidence) -> bool:
        """Weights are averaged with these shares."""
        steps = len(evidence.learning_rates)
        return evidence.averaging is not None and np.allclose(evidence.averaging, [self.kept(step, steps) for step in range(steps)])
