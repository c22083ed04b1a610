"""A cosine schedule."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ablation.images.features.feature import Evidence
from ablation.images.recipe import Recipe
from ablation.images.training.schedule import Cosine


@dataclass(frozen=True)
class CosineSchedule:
    """Let the learning rate fall to nothing along half a cosine.

    Loshchilov and Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts", without restarts.
    """

    known_as: ClassVar[str] = "cosine_schedule"

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, optimizer=replace(recipe.optimizer, schedule=Cosine()))

    def verify(self, evidence: Evidence) -> bool:
        """From its height on the learning rate follows half a cosine."""
        falling = evidence.learning_rates[int(evidence.learning_rates.argmax()) :]
        expected = [Cosine()(step, len(falling)) for step in range(len(falling))]
        return len(falling) > 1 and np.allclose(falling / falling[0], expected, atol=1e-5)
