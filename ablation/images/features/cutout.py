"""Cutout."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from ablation.checks import number
from ablation.images.features.feature import Evidence
from ablation.images.recipe import Recipe


@dataclass(frozen=True)
class Cutout:
    """Black out a box of each training image, which has the image's proportions and may reach beyond its border.

    DeVries and Taylor 2017, "Improved Regularization of Convolutional Neural Networks with Cutout", whose square has the mean colour; this
    one is black.

    Args:
        side: of the box, as a fraction of the image's height and width.
    """

    known_as: ClassVar[str] = "cutout"
    side: float = 0.5

    def __post_init__(self) -> None:
        number("cutout.side", self.side, above=0, at_most=1)

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, augmentations=(*recipe.augmentations, self))

    def draw(self, rng: np.random.Generator, count: int, height: int, width: int) -> np.ndarray:
        """Return first and last row and column of each box, the last ones excluded, shape ``(count, 4)``."""
        sizes = np.maximum(np.round(np.array([height, width]) * self.side), 1)
        first = np.floor(rng.random((count, 2)) * (height, width)) - sizes // 2
        return np.column_stack([first, first + sizes])[:, [0, 2, 1, 3]].astype(np.float32)

    def apply(self, images: Any, numbers: Any) -> Any:
        """Black out the boxes ``numbers`` (batch, 4) of ``images`` (batch, height, width, channels)."""
        return images * (1 - inside(images, numbers))

    def verify(self, evidence: Evidence) -> bool:
        """Training images have black pixels where they had others, no pixel has another colour, and evaluation sees whole images."""
        before, after = evidence.around(self)
        changed = before != after
        return bool(changed.any() and (after[changed] == 0).all()) and np.array_equal(evidence.evaluated, evidence.images)


def inside(images: Any, boxes: Any) -> Any:
    """Return 1 within boxes and 0 outside, ``(batch, height, width, 1)``; rows of ``boxes`` are top, bottom, left, right."""
    from keras import ops

    height, width = images.shape[1:3]
    top, bottom, left, right = (ops.reshape(boxes[:, place], (-1, 1, 1, 1)) for place in range(4))
    row = ops.reshape(ops.arange(height, dtype="float32"), (1, -1, 1, 1))
    column = ops.reshape(ops.arange(width, dtype="float32"), (1, 1, -1, 1))
    return ops.cast((row >= top) & (row < bottom) & (column >= left) & (column < right), images.dtype)
