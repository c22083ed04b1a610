"""Random crops of padded images."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from ablation.checks import number, whole
from ablation.images.features.feature import Evidence
from ablation.images.recipe import Recipe


@dataclass(frozen=True)
class RandomCrop:
    """Pad each training image with black on all sides, cut an image of its size out of it at random, and mirror some.

    He et al. 2016, "Deep Residual Learning for Image Recognition", section 4.2.

    Args:
        padding: pixels on each side.
        flip: probability of a horizontal flip.
    """

    known_as: ClassVar[str] = "random_crop"
    padding: int = 4
    flip: float = 0.5

    def __post_init__(self) -> None:
        whole("random_crop.padding", self.padding, 1)
        number("random_crop.flip", self.flip, at_least=0, at_most=1)

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, augmentations=(*recipe.augmentations, self))

    def draw(self, rng: np.random.Generator, count: int, height: int, width: int) -> np.ndarray:
        """Return how far each image moves down and right, and 1 where it is mirrored first, shape ``(count, 3)``."""
        shifts = rng.integers(-self.padding, self.padding, (count, 2), endpoint=True)
        return np.column_stack([shifts, rng.random(count) < self.flip]).astype(np.float32)

    def apply(self, images: Any, numbers: Any) -> Any:
        """Move ``images`` (batch, height, width, channels) by ``numbers`` (batch, 3)."""
        from keras import ops

        height, width, channels = images.shape[1:]
        down, right, mirrored = (ops.reshape(ops.cast(numbers[:, place], "int32"), (-1, 1, 1)) for place in range(3))
        row = ops.reshape(ops.arange(height, dtype="int32"), (1, -1, 1)) - down
        column = ops.reshape(ops.arange(width, dtype="int32"), (1, 1, -1)) - right
        there = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        source = ops.where(mirrored > 0, width - 1 - column, column)
        first = ops.reshape(ops.arange(ops.shape(images)[0], dtype="int32") * (height * width), (-1, 1, 1))
        place = first + ops.clip(row, 0, height - 1) * width + ops.clip(source, 0, width - 1)
        return ops.take(ops.reshape(images, (-1, channels)), place, axis=0) * ops.cast(ops.expand_dims(there, -1), images.dtype)

    def verify(self, evidence: Evidence) -> bool:
        """Images are moved in training, not only mirrored, and evaluation sees them whole."""
        pairs = zip(*evidence.around(self), strict=True)
        moved = any(not np.array_equal(before, after) and not np.array_equal(before[:, ::-1], after) for before, after in pairs)
        return moved and np.array_equal(evidence.evaluated, evidence.images)
