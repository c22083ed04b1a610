"""What a feature is, and the evidence from which it verifies that it took effect."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ablation.images.recipe import Recipe
from ablation.images.slots import Augmentation, Transformation

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, eq=False)
class Evidence:
    """A batch of training images and the network that is about to train on them.

    Attributes:
        network: images in [0, 1] → logits.
        optimizer: the Keras optimiser that takes the steps.
        images: the stored batch, scaled to [0, 1], shape ``(batch, height, width, channels)``.
        mixed: the batch after mixing.
        trained: the batch after mixing and augmentation, as the network sees it in training.
        evaluated: the stored batch as the network sees it in evaluation.
        labels: one-hot labels of ``images``, shape ``(batch, classes)``.
        targets: labels that the loss uses in training, same shape.
        order: indices of the training images in ``images``, in the order in which they are drawn, ``(batch,)``.
        order_without: for each named stream of the recipe, the order that would be drawn without it.
        augmented: each augmentation with the batch before and after it, in order.
        learning_rates: of all steps of the training, shape ``(steps,)``.
        learning_rate: of the optimiser, at its height.
        averaging: the share that an average of the weights keeps at each step, same shape; None where nothing is averaged.
        loss: logits and targets, ``(n, classes)`` twice → what training minimises for each image, ``(n,)``.
        transform: gradients, weights and a function from other weights to gradients → the gradients that the optimiser gets.
        gradients: the changes of which ``transform`` is made, in order, each from the same to the same.
    """

    network: "keras.Model"
    optimizer: "keras.optimizers.Optimizer"
    images: np.ndarray
    mixed: np.ndarray
    trained: np.ndarray
    evaluated: np.ndarray
    labels: np.ndarray
    targets: np.ndarray
    order: np.ndarray
    order_without: Mapping[str, np.ndarray]
    augmented: Sequence[tuple[Augmentation, np.ndarray, np.ndarray]]
    learning_rates: np.ndarray
    learning_rate: float
    averaging: np.ndarray | None
    loss: Callable[[np.ndarray, np.ndarray], np.ndarray]
    transform: Transformation
    gradients: Sequence[Transformation]

    def around(self, augmentation: Augmentation) -> tuple[np.ndarray, np.ndarray]:
        """Return the batch before and after an augmentation; what it is after them all, twice, where it is none of them."""
        pairs = [(before, after) for other, before, after in self.augmented if other == augmentation]
        return pairs[0] if pairs else (self.trained, self.trained)

    @property
    def layers(self) -> "list[keras.Layer]":
        """All layers of the network, those of networks in it too, but for what is in a frozen one, in its order."""
        return list(_layers(self.network))

    def labels_are_mixed(self) -> bool:
        """Whether targets are shared between classes, by a share that differs between images: smoothing takes the same from each."""
        moved = (self.targets.argmax(axis=1) != self.labels.argmax(axis=1)).any() or np.ptp(self.targets.max(axis=1)) > 1e-5
        return bool(moved) and np.allclose(self.targets.sum(axis=1), 1, atol=1e-5)


def _layers(layer: "keras.Layer") -> "Iterator[keras.Layer]":
    import keras

    # A layer that holds others has no public list of them, and Keras' own walk takes those of nested networks backwards.
    for each in layer.layers if isinstance(layer, keras.Model) else layer._layers:
        yield each
        # A frozen network, such as a teacher, is none of the features' business.
        yield from _layers(each) if each.trainable else ()


class Feature(Protocol):
    """One toggleable technique. Its parameters are its fields; off means that it is not applied."""

    def __call__(self, recipe: Recipe) -> Recipe:
        """Return the recipe with this technique in its slots."""
        ...

    def verify(self, evidence: Evidence) -> bool:
        """Return whether the technique took effect. Every run checks this for each feature that is on, before it trains."""
        ...
