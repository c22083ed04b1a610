"""AMSGrad."""

from dataclasses import dataclass, replace
from typing import ClassVar

from ablation.images.features.feature import Evidence
from ablation.images.recipe import Recipe


@dataclass(frozen=True)
class AMSGrad:
    """Let Adam divide by the largest second moment seen so far, not by the current one.

    Reddi, Kale and Kumar 2018, "On the Convergence of Adam and Beyond".
    """

    known_as: ClassVar[str] = "amsgrad"

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, optimizer=recipe.optimizer.with_options(amsgrad=True))

    def verify(self, evidence: Evidence) -> bool:
        """The optimiser keeps the largest second moments."""
        return getattr(evidence.optimizer, "amsgrad", False) is True
