"""Gradient clipping."""

from dataclasses import dataclass, replace
from typing import ClassVar

from ablation.checks import number
from ablation.images.features.feature import Evidence
from ablation.images.recipe import Recipe


@dataclass(frozen=True)
class GradientClipping:
    """Scale the gradients down together where their common norm is larger than a limit.

    Pascanu, Mikolov and Bengio 2013, "On the difficulty of training recurrent neural networks".

    Args:
        norm: the largest norm of all gradients together.
    """

    known_as: ClassVar[str] = "gradient_clipping"
    norm: float = 1.0

    def __post_init__(self) -> None:
        number("gradient_clipping.norm", self.norm, above=0)

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, optimizer=recipe.optimizer.with_options(global_clipnorm=self.norm))

    def verify(self, evidence: Evidence) -> bool:
        """The optimiser clips gradients to this norm."""
        return bool(evidence.optimizer.global_clipnorm == self.norm)
