"""Decoupled weight decay."""

from dataclasses import dataclass, replace
from typing import ClassVar

from ablation.checks import number
from ablation.images.features.feature import Evidence
from ablation.images.recipe import Recipe


@dataclass(frozen=True)
class WeightDecay:
    """Take a share of every weight away in each step, beside what the gradient does to it.

    Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization".

    Args:
        rate: the share, times the learning rate.
    """

    known_as: ClassVar[str] = "weight_decay"
    rate: float = 0.01

    def __post_init__(self) -> None:
        number("weight_decay.rate", self.rate, above=0)

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, optimizer=recipe.optimizer.with_options(weight_decay=self.rate))

    def verify(self, evidence: Evidence) -> bool:
        """The optimiser decays weights at this rate."""
        return bool(evidence.optimizer.weight_decay == self.rate)
