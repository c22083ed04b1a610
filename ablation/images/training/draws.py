"""Draws: all of a training's randomness except dropout masks, drawn on the host from the run's seed.

Each kind of number has its own stream, ``default_rng([seed, stream, …, epoch])``. So arms with the same seed share split, order,
partners, mixing and warps, whichever features they have, and their differences are paired.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np

from ablation.errors import InputError
from ablation.images.recipe import Recipe
from ablation.images.slots import Augmentation, Order

SPLIT, ORDER, PARTNERS, MIXING, AUGMENTATION, INITIAL, MASKS, SURVIVAL = range(8)


def generator(seed: int, stream: int, *keys: int | str) -> np.random.Generator:
    """Return the generator of one stream of a run. Names enter as their checksums."""
    return np.random.default_rng([seed, stream, *(crc32(key.encode()) if isinstance(key, str) else key for key in keys)])


@dataclass(frozen=True, eq=False)
class Draws:
    """The random numbers of an epoch, or of part of one, for ``n`` images in training order.

    Attributes:
        own: indices of the images, ``(n,)`` int32.
        partners: indices of the images they are mixed with, ``(n,)`` int32, or None.
        mixing: the numbers of the mixing, ``(n, …)`` float32, or None.
        augmentations: the numbers of each augmentation, ``(n, any)``.
        targets: labels that the loss uses, ``(n, classes)`` float32.
        survival: what each residual branch is multiplied by, ``(n, branches)`` float32, or None where none is ever left out.
    """

    own: np.ndarray
    partners: np.ndarray | None
    mixing: np.ndarray | None
    augmentations: tuple[np.ndarray, ...]
    targets: np.ndarray
    survival: np.ndarray | None = None

    def arrays(self) -> tuple[np.ndarray, ...]:
        """Return the arrays that are not None as a flat tuple, for a device; :meth:`of` is the inverse."""
        optional = (self.partners, self.mixing, self.survival)
        return (self.own, self.targets, *self.augmentations, *(each for each in optional if each is not None))

    @classmethod
    def of(cls, arrays: Sequence[Any], augmentations: int, mixed: bool) -> "Draws":
        """Rebuild from the tuple of :meth:`arrays`, of host or device arrays."""
        own, targets, *rest = arrays
        numbers, optional = tuple(rest[:augmentations]), rest[augmentations:]
        partners, mixing = optional[:2] if mixed else (None, None)
        survival = optional[2 * mixed :]
        return cls(own, partners, mixing, numbers, targets, survival[0] if survival else None)

    def like(self, arrays: Sequence[Any]) -> "Draws":
        """Rebuild draws of the same kinds from such a tuple."""
        return Draws.of(arrays, len(self.augmentations), self.partners is not None)


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    """Return float32 rows with a single 1, ``(n,) → (n, classes)``."""
    return np.eye(classes, dtype=np.float32)[labels]


def draw_epoch(recipe: Recipe, seed: int, epoch: int, labels: np.ndarray, classes: int, batch: int, shape: tuple[int, int]) -> Draws:
    """Draw one epoch.

    Args:
        labels: of the training images, ``(images,)`` int.
        batch: images per step. An epoch has ``images // batch`` full steps; the images left over differ from epoch to epoch where the
            order is drawn.
        shape: height and width of the images in pixels.
    """
    count = len(labels) // batch * batch
    streams = recipe.streams
    rng = generator(seed, ORDER, epoch, *streams)
    places = _ordered(recipe.order, rng, len(labels)) if recipe.order else rng.permutation(len(labels))
    own = places[:count].astype(np.int32)
    targets = one_hot(labels[own], classes)
    partners = mixing = None
    if recipe.mixing:
        partners = generator(seed, PARTNERS, epoch, *streams).permutation(len(labels))[:count].astype(np.int32)
        mixing = recipe.mixing.draw(generator(seed, MIXING, epoch, *streams), count, *shape).astype(np.float32)
        shares = recipe.mixing.shares(mixing, *shape)[:, None]
        targets = shares * targets + (1 - shares) * one_hot(labels[partners], classes)
    for change in recipe.targets:
        targets = change(targets)
    augmentations = []
    kinds = [type(augmentation).__qualname__ for augmentation in recipe.augmentations]
    for place, augmentation in enumerate(recipe.augmentations):
        # By name, so that adding another augmentation does not change the draws of this one; two of a kind are numbered.
        rng = generator(seed, AUGMENTATION, kinds[place], kinds[:place].count(kinds[place]), epoch, *streams)
        augmentations.append(numbers_of(augmentation, rng, count, *shape))
    return Draws(own, partners, mixing, tuple(augmentations), targets.astype(np.float32))


def numbers_of(augmentation: Augmentation, rng: np.random.Generator, count: int, height: int, width: int) -> np.ndarray:
    """Draw the numbers of an augmentation for ``count`` images: as float32 where it draws float64, as NumPy does unless asked."""
    numbers = augmentation.draw(rng, count, height, width)
    return numbers.astype(np.float32) if numbers.dtype == np.float64 else numbers


def _ordered(order: Order, rng: np.random.Generator, count: int) -> np.ndarray:
    """Return the places of all images in the order of a user's function.

    Raises:
        InputError: if these are not all of them, each once.
    """
    places = np.asarray(order(rng, count))
    if not np.array_equal(np.sort(places, axis=None), np.arange(count)):
        raise InputError(
            f"the order {order!r} does not take each of the {count:,} images once; expected their places, from 0, in any order"
        )
    return places


def parts(draws: Draws, size: int) -> Iterator[Draws]:
    """Cut draws into consecutive parts of at most ``size`` images."""
    for start in range(0, len(draws.own), size):
        yield draws.like([array[start : start + size] for array in draws.arrays()])


def survival(rates: Sequence[tuple[str, float]], seed: int, epoch: int, count: int, streams: Sequence[str] = ()) -> np.ndarray:
    """Draw which of ``count`` images keep which residual branch: 0, or 1 over the share that does, shape ``(count, branches)``.

    Args:
        rates: the name of each layer that leaves out a branch, and how often it does so.
    """
    kept = [generator(seed, SURVIVAL, name, epoch, *streams).random(count) >= rate for name, rate in rates]
    return (np.column_stack(kept) / (1 - np.array([rate for _, rate in rates]))).astype(np.float32)
