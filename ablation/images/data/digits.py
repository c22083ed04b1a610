"""Digits: scikit-learn's 1,797 scans of handwritten digits, which need no download."""

from dataclasses import dataclass

import numpy as np

from ablation.checks import whole
from ablation.images.data.dataset import Dataset, Images
from ablation.images.data.split import stratified

# Raised whenever the code below would make different images from the same parameters.
VERSION = 1

SCAN_SIZE, SCAN_MAXIMUM = 8, 16
COUNT, CLASSES = 1797, 10
LARGEST = 128


@dataclass(frozen=True)
class Digits:
    """Grey 8 x 8 scans of the ten digits, enlarged by bilinear interpolation. The test part is fixed and stratified.

    Attributes:
        size: height and width of an image, in pixels.
        test: number of the 1,797 images in the test part; the others are for training.

    Raises:
        InputError: if a parameter is outside its range.
    """

    size: int = 16
    test: int = 360

    def __post_init__(self) -> None:
        whole("data.size", self.size, SCAN_SIZE, LARGEST)
        # At least one image of every class to test with, one to train on and one to hold out.
        whole("data.test", self.test, CLASSES, COUNT - 2 * CLASSES)

    @property
    def description(self) -> str:
        return f"digits, {self.size} x {self.size}"

    def identity(self) -> str:
        return f"digits {VERSION}: size={self.size}, test={self.test}"

    def load(self) -> Dataset:
        # Imported here: scikit-learn takes about a second to import, and most studies never need it.
        from sklearn.datasets import load_digits

        scans, labels = load_digits(return_X_y=True)
        weights = enlargement(SCAN_SIZE, self.size)
        grey = weights @ scans.reshape(-1, SCAN_SIZE, SCAN_SIZE) @ weights.T
        x, y = np.rint(grey * (255 / SCAN_MAXIMUM)).astype(np.uint8)[..., None], labels.astype(np.int64)
        test = np.zeros(len(y), dtype=bool)
        test[stratified(y, self.test, np.random.default_rng(0))] = True
        return Dataset(train=Images(x[~test], y[~test]), test=Images(x[test], y[test]), classes=tuple("0123456789"))


def enlargement(old: int, new: int) -> np.ndarray:
    """Return the weights, shape ``(new, old)``, that enlarge one axis by linear interpolation between pixel centres."""
    centres = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    return np.asarray(np.clip(1 - np.abs(centres[:, None] - np.arange(old)), 0, 1))
