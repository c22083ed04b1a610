"""Draws: all of a training's randomness except dropout masks, drawn on the host from the run's seed.

Each kind of number has its own stream, ``default_rng([seed, stream, …, epoch])``. So arms with the same seed share split, order,
partners, mixup weights and warps, whichever features they have, and their differences are paired.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np

from ablation.images.recipe import Recipe

SPLIT, ORDER, PARTNERS, WEIGHTS, AUGMENTATION, INITIAL, MASKS = range(7)


def generator(seed: int, stream: int, *keys: int | str) -> np.random.Generator:
    """Return the generator of one stream of a run. Names enter as their checksums."""
    return np.random.default_rng([seed, stream, *(crc32(key.encode()) if isinstance(key, str) else key for key in keys)])


@dataclass(frozen=True, eq=False)
class Draws:
    """The random numbers of an epoch, or of part of one, for ``n`` images in training order.

    Attributes:
        own: indices of the images, ``(n,)`` int32.
        partners: indices of the images they are mixed with, ``(n,)`` int32, or None.
        weights: weight of each image in the mix, ``(n,)`` float32, or None.
        augmentations: the numbers of each augmentation, ``(n, any)``.
        targets: labels that the loss uses, ``(n, classes)`` float32.
    """

    own: np.ndarray
    partners: np.ndarray | None
    weights: np.ndarray | None
    augmentations: tuple[np.ndarray, ...]
    targets: np.ndarray

    def arrays(self) -> tuple[np.ndarray, ...]:
        """Return the arrays that are not None as a flat tuple, for a device; :meth:`of` is the inverse."""
        mixing = (self.partners, self.weights) if self.partners is not None and self.weights is not None else ()
        return (self.own, self.targets, *self.augmentations, *mixing)

    @classmethod
    def of(cls, arrays: tuple[Any, ...], mixed: bool) -> "Draws":
        """Rebuild from the tuple of :meth:`arrays`, of host or device arrays."""
        partners, weights = arrays[-2:] if mixed else (None, None)
        return cls(arrays[0], partners, weights, tuple(arrays[2 : -2 if mixed else None]), arrays[1])


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    """Return float32 rows with a single 1, ``(n,) → (n, classes)``."""
    return np.eye(classes, dtype=np.float32)[labels]


def draw_epoch(recipe: Recipe, seed: int, epoch: int, labels: np.ndarray, classes: int, batch: int, shape: tuple[int, int]) -> Draws:
    """Draw one epoch.

    Args:
        labels: of the training images, ``(images,)`` int.
        batch: images per step. An epoch has ``images // batch`` full steps; the images left over differ from epoch to epoch.
        shape: height and width of the images in pixels.
    """
    count = len(labels) // batch * batch
    streams = recipe.streams
    own = generator(seed, ORDER, epoch, *streams).permutation(len(labels))[:count].astype(np.int32)
    targets = one_hot(labels[own], classes)
    partners = weights = None
    if recipe.mixing:
        partners = generator(seed, PARTNERS, epoch, *streams).permutation(len(labels))[:count].astype(np.int32)
        weights = recipe.mixing.draw(generator(seed, WEIGHTS, epoch, *streams), count).astype(np.float32)
        targets = weights[:, None] * targets + (1 - weights[:, None]) * one_hot(labels[partners], classes)
    for change in recipe.targets:
        targets = change(targets)
    augmentations = []
    kinds = [type(augmentation).__qualname__ for augmentation in recipe.augmentations]
    for place, augmentation in enumerate(recipe.augmentations):
        # By name, so that adding another augmentation does not change the draws of this one; two of a kind are numbered.
        rng = generator(seed, AUGMENTATION, kinds[place], kinds[:place].count(kinds[place]), epoch, *streams)
        augmentations.append(augmentation.draw(rng, count, *shape))
    return Draws(own, partners, weights, tuple(augmentations), targets.astype(np.float32))


def parts(draws: Draws, size: int) -> Iterator[Draws]:
    """Cut draws into consecutive parts of at most ``size`` images."""
    mixed = draws.partners is not None
    for start in range(0, len(draws.own), size):
        yield Draws.of(tuple(array[start : start + size] for array in draws.arrays()), mixed)
