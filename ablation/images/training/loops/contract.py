"""What the loops of all backends share: their contract, and the pure parts of a step."""

from dataclasses import dataclass
from typing import Any, Protocol

import keras
import numpy as np
from keras import ops

from ablation.errors import InputError
from ablation.images.recipe import Recipe
from ablation.images.slots import GradientsAt, Loss, Transformation
from ablation.images.training import preprocessing
from ablation.images.training.draws import Draws

EVALUATION_BATCH = 250


@dataclass(frozen=True)
class Totals:
    """Sums over some images: of the loss, and of the correctly classified ones, by their largest target."""

    loss: float = 0.0
    correct: float = 0.0
    images: int = 0

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(self.loss + other.loss, self.correct + other.correct, self.images + other.images)


class Loop(Protocol):
    """Trains and evaluates one network on images that are on the device."""

    def __init__(self, network: keras.Model, optimizer: keras.optimizers.Optimizer, recipe: Recipe, batch_size: int, steps: int) -> None:
        """Compile for batches of a size and, where the recipe asks for it, for a number of steps."""
        ...

    def start(self) -> None:
        """Start from the current values of the network's and optimiser's variables."""
        ...

    def finish(self) -> None:
        """Store the trained values in the network's and optimiser's variables."""
        ...

    def place(self, images: np.ndarray) -> Any:
        """Put uint8 images on the device."""
        ...

    def train(self, images: Any, draws: Draws) -> Totals:
        """Take one step for each full batch of ``draws``; losses are those before each step."""
        ...

    def evaluate(self, images: Any, targets: np.ndarray) -> tuple[Totals, np.ndarray]:
        """Evaluate all ``images`` (placed) against one-hot ``targets`` (host).

        Returns:
            The sums, and the network's logits, ``(n, classes)`` float32 on the host.
        """
        ...


def prepare(images: Any, draws: Draws, recipe: Recipe) -> Any:
    """Return what the network sees in training: gathered, mixed, augmented."""
    return preprocessing.augment(preprocessing.mix(images, draws, recipe.mixing), draws, recipe.augmentations)


def losses(logits: Any, targets: Any, loss: Loss | None = None) -> Any:
    """Return the loss of each image, ``(n, classes)`` twice → ``(n,)``: cross-entropy, with soft labels or not, where there is no other."""
    # A user's network may compute its last layer, too, in a lower precision than a loss needs.
    logits = ops.cast(logits, "float32")
    if loss is None:
        return keras.losses.categorical_crossentropy(targets, logits, from_logits=True)
    each = loss(logits, targets)
    if len(each.shape) != 1:
        raise InputError(f"the loss {loss!r} returns an array of {len(each.shape)} axes; expected the loss of each image, shape (n,)")
    return each


def transformed(gradients: list[Any], weights: list[Any], recipe: Recipe, gradients_at: GradientsAt) -> list[Any]:
    """Return what the recipe makes of a batch's gradients; a weight that the loss does not depend on has a gradient of zero.

    Where a change looks at other weights, it sees what the changes before it make of the gradients there.
    """

    def elsewhere(weights: list[Any]) -> list[Any]:
        return _without_gaps(gradients_at(weights), weights)

    gradients = _without_gaps(gradients, weights)
    at: GradientsAt = elsewhere
    for change in recipe.gradients:
        gradients, at = change(gradients, weights, at), _changed(at, change)
    return gradients


def _changed(gradients_at: GradientsAt, change: Transformation) -> GradientsAt:
    return lambda weights: change(gradients_at(weights), weights, gradients_at)


def _without_gaps(gradients: list[Any], weights: list[Any]) -> list[Any]:
    return [ops.zeros_like(weight) if each is None else each for each, weight in zip(gradients, weights, strict=True)]


def hits(logits: Any, targets: Any) -> Any:
    """Return 1 where the largest logit is in the place of the largest target, and 0 elsewhere, ``(n,)``."""
    return ops.cast(ops.equal(ops.argmax(logits, axis=-1), ops.argmax(targets, axis=-1)), "float32")


def evaluation_parts(count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cut ``count`` images into the fewest batches of equal size: for each its indices, and a mask of 1 for images that count.

    The last batch repeats its first image where it would be shorter; batches are as even as they can be, so that few are repeated.
    """
    size = -(-count // -(-count // EVALUATION_BATCH))
    parts = []
    for start in range(0, count, size):
        indices = np.arange(start, start + size)
        parts.append((np.where(indices < count, indices, start).astype(np.int32), (indices < count).astype(np.float32)))
    return parts
