"""What the loops of all backends share: the step's pure parts, and their contract."""

from dataclasses import dataclass
from typing import Any, Protocol

import keras
import numpy as np
from keras import ops

from ablation.images.recipe import Recipe
from ablation.images.training import preprocessing
from ablation.images.training.draws import Draws

EVALUATION_BATCH = 250


@dataclass(frozen=True)
class Totals:
    """Sums over some images: of the loss, and of those classified as their (largest) target says."""

    loss: float = 0.0
    correct: float = 0.0
    images: int = 0

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(self.loss + other.loss, self.correct + other.correct, self.images + other.images)


class Loop(Protocol):
    """Trains and evaluates one network on images that are on the device."""

    def __init__(self, network: keras.Model, optimizer: keras.optimizers.Optimizer, recipe: Recipe, batch_size: int) -> None: ...

    def start(self) -> None:
        """Begin from the values that the network's and optimiser's variables hold now."""
        ...

    def finish(self) -> None:
        """Leave the trained values in the network's and optimiser's variables."""
        ...

    def place(self, images: np.ndarray) -> Any:
        """Put uint8 images on the device."""
        ...

    def train(self, images: Any, draws: Draws) -> Totals:
        """Take one step for each whole batch of ``draws``; losses are those before each step."""
        ...

    def evaluate(self, images: Any, targets: np.ndarray) -> Totals:
        """Evaluate all ``images`` (placed) against one-hot ``targets`` (host)."""
        ...

    def logits(self, images: Any, targets: np.ndarray) -> np.ndarray:
        """Return what the network says of the images when it is evaluated, ``(n, classes)`` float32 on the host."""
        ...


def prepare(images: Any, draws: Draws, recipe: Recipe) -> Any:
    """Return what the network sees in training: gathered, mixed, augmented."""
    return preprocessing.augment(preprocessing.mix(images, draws), draws, recipe.augmentations)


def losses(logits: Any, targets: Any) -> Any:
    """Categorical cross-entropy of each image, ``(n, classes)`` twice → ``(n,)``. Every arm has this loss, soft labels or not."""
    # A network of someone's own may compute its last layer, too, in fewer bits than a loss needs.
    return keras.losses.categorical_crossentropy(targets, ops.cast(logits, "float32"), from_logits=True)


def hits(logits: Any, targets: Any) -> Any:
    """Whether the largest logit stands where the largest target does, as 0 or 1, ``(n,)``."""
    return ops.cast(ops.equal(ops.argmax(logits, axis=-1), ops.argmax(targets, axis=-1)), "float32")


def evaluation_parts(count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cut ``count`` images into the fewest batches of one size: their indices, and 1 for those that count.

    The last batch repeats its first image where it would be shorter; batches are as even as they can be, so that few are repeated.
    """
    size = -(-count // -(-count // EVALUATION_BATCH))
    parts = []
    for start in range(0, count, size):
        indices = np.arange(start, start + size)
        parts.append((np.where(indices < count, indices, start).astype(np.int32), (indices < count).astype(np.float32)))
    return parts
