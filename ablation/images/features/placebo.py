"""A placebo: a feature that should make no difference."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ablation.checks import text
from ablation.images.features.feature import Evidence
from ablation.images.recipe import Recipe


@dataclass(frozen=True)
class Placebo:
    """Draw different random numbers for the order of images and everything else that an epoch draws, from the same distributions.

    Its true effect is zero, so a study of placebos shows how often verdicts are wrong (an A/A test).

    Args:
        stream: name of the random numbers; two placebos need different names.
    """

    known_as: ClassVar[str] = "placebo"
    stream: str

    def __post_init__(self) -> None:
        text("placebo.stream", self.stream)

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, streams=(*recipe.streams, self.stream))

    def verify(self, evidence: Evidence) -> bool:
        """The images come in a different order than without it."""
        without = evidence.order_without.get(self.stream)
        return without is not None and not np.array_equal(evidence.order, without)
