"""CutMix."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from ablation.checks import number
from ablation.images.features.cutout import inside
from ablation.images.features.feature import Evidence
from ablation.images.recipe import Recipe


@dataclass(frozen=True)
class CutMix:
    """Paste a box of another image into each training image, and mix the labels by area.

    Yun et al. 2019, "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features". Each image has its own box.
    Images are mixed before they are augmented, and in the paper after: a crop that follows can cut off a part of a box that its label
    still counts.

    Args:
        alpha: the share of an image that stays is drawn from Beta(alpha, alpha), before the box is cut at the border.
        probability: that an image gets a box at all.
    """

    known_as: ClassVar[str] = "cutmix"
    alpha: float = 1.0
    probability: float = 1.0

    def __post_init__(self) -> None:
        number("cutmix.alpha", self.alpha, above=0)
        number("cutmix.probability", self.probability, above=0, at_most=1)

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, mixing=self)

    def draw(self, rng: np.random.Generator, count: int, height: int, width: int) -> np.ndarray:
        """Return each image's box, whole pixels within it: top, bottom, left and right, shape ``(count, 4)``."""
        half = np.sqrt(1 - rng.beta(self.alpha, self.alpha, count)) / 2 * (rng.random(count) < self.probability)
        middle, sides = rng.random((count, 2)), np.array([height, width])
        low, high = (np.clip(np.round((middle + sign * half[:, None]) * sides), 0, sides) for sign in (-1, 1))
        return np.column_stack([low[:, 0], high[:, 0], low[:, 1], high[:, 1]]).astype(np.float32)

    def shares(self, numbers: np.ndarray, height: int, width: int) -> np.ndarray:
        """Return the share of each image that stays, shape ``(count,)``."""
        top, bottom, left, right = numbers.T
        return np.asarray(1 - (bottom - top) * (right - left) / np.float32(height * width))

    def apply(self, images: Any, partners: Any, numbers: Any) -> Any:
        """Paste the boxes ``numbers`` of ``partners`` into ``images`` (batch, height, width, channels)."""
        from keras import ops

        return ops.where(inside(images, numbers) > 0, partners, images)

    def verify(self, evidence: Evidence) -> bool:
        """Parts of images and of labels are another one's in training, labels still sum to 1, and evaluation sees whole images."""
        mixed = evidence.labels_are_mixed() and not np.array_equal(evidence.mixed, evidence.images)
        return mixed and np.array_equal(evidence.evaluated, evidence.images)
