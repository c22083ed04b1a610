"""Predictions: what trained networks predicted for the images that their scores are taken on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

CORRECT, PREDICTIONS, CLASSES = "correct.npz", "predictions.npz", "classes.json"
"""Files of a run: which validation images it got right, what it predicted for each, and the names of the classes."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """What one network predicted for some images, in the order in which the split gives them.

    Attributes:
        probabilities: shape ``(n, classes)``; rows sum to 1.
        labels: the true classes, shape ``(n,)``.
    """

    probabilities: np.ndarray
    labels: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """The most probable class of each image, shape ``(n,)``."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @property
    def correct(self) -> np.ndarray:
        """Whether that is the true one, shape ``(n,)``."""
        return np.asarray(self.predicted == self.labels)

    def confusion(self) -> np.ndarray:
        """Return how many images of each true class (row) were predicted as each class (column), shape ``(classes, classes)``."""
        classes = self.probabilities.shape[1]
        pairs = np.bincount(self.labels * classes + self.predicted, minlength=classes * classes)
        return pairs.reshape(classes, classes)


@dataclass(frozen=True, eq=False)
class ArmPredictions:
    """What the networks of one arm predicted.

    Attributes:
        name: of the arm.
        by_seed: one for each seed whose run finished.
        images: those that the first of them is about, shape ``(n, height, width, channels)``, uint8.
    """

    name: str
    by_seed: Mapping[int, Predictions]
    images: np.ndarray


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities, ``(n, classes) → (n, classes)``, float32, rows summing to 1."""
    # A network of the user's may end in another precision, of which NumPy's files know nothing.
    logits = np.asarray(logits).astype(np.float32)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def packed(correct: np.ndarray) -> dict[str, np.ndarray]:
    """Return true and false as bits, eight a byte, with their number: the arrays of ``correct.npz``."""
    return {"bits": np.packbits(correct), "count": np.array(len(correct))}


def unpacked(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return what was packed by :func:`packed`, shape ``(n,)``, bool."""
    return np.unpackbits(arrays["bits"], count=int(arrays["count"])).astype(bool)
