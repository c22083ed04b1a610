"""Blocks as narrow as what they take."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar

from ablation.images.features.feature import Evidence
from ablation.images.recipe import Recipe


@dataclass(frozen=True)
class NarrowBlocks:
    """Let each block make as many channels as it takes; only the convolution after it makes more.

    It is what residual blocks whose skips are identities do to the widths of a network, without the skips: half the width in its later
    stages. With :class:`ablation.images.features.Residual` in its controlled form it makes the article's residual blocks.
    """

    known_as: ClassVar[str] = "narrow_blocks"

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, filters=self.filters)

    def filters(self, taken: int, made: int) -> int:
        """Return how many channels a block makes."""
        return min(taken, made)

    def verify(self, evidence: Evidence) -> bool:
        """No block gives the convolution after it more channels than it takes."""
        around = [layer.kernel.shape for layer in evidence.layers if layer.name == "stem" or layer.name.endswith("_down")]
        return len(around) > 1 and all(after[-2] <= before[-1] for before, after in pairwise(around))
