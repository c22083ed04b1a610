"""What fills the slots of a recipe: layers, draws, optimisers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    import keras

LayerFactory = Callable[[str], "keras.Layer"]
"""Makes a new layer with the given name."""


class Mixing(Protocol):
    """Draws the weights with which training images are mixed with their partners."""

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Return the weight of each image in [0, 1], shape ``(count,)``; its partner gets the rest."""
        ...


class Augmentation(Protocol):
    """A random change of training images: numbers drawn on the host, applied on the device."""

    def draw(self, rng: np.random.Generator, count: int, height: int, width: int) -> np.ndarray:
        """Return the numbers for ``count`` images, shape ``(count, any)``."""
        ...

    def apply(self, images: Any, numbers: Any) -> Any:
        """Change ``images`` (batch, height, width, channels) in [0, 1] according to ``numbers``, with ``keras.ops``, deterministically."""
        ...


@dataclass(frozen=True)
class Scaling:
    """Scaling of pixels in [0, 1] before the network sees them: ``pixels · scale + offset``, with one offset or one for each channel."""

    scale: float
    offset: float | tuple[float, ...]

    def __call__(self, name: str) -> "keras.Layer":
        """Return a new layer of that name."""
        import keras

        return keras.layers.Rescaling(self.scale, list(self.offset) if isinstance(self.offset, tuple) else self.offset, name=name)


Schedule = Callable[[int, int], float]
"""Returns the share of the learning rate at a step, from 0, of so many steps."""


@dataclass(frozen=True)
class Optimizer:
    """The optimiser.

    Attributes:
        name: in Keras.
        learning_rate: at its highest.
        schedule: which share of it each step takes; None takes all of it in every step.
        warmup: share of the steps in which it first rises from nothing; the schedule runs over the others.
        options: further options of the optimiser, as (name, value) pairs.
    """

    name: str = "adam"
    learning_rate: float = 1e-3
    schedule: Schedule | None = None
    warmup: float = 0.0
    options: tuple[tuple[str, Any], ...] = ()

    def with_options(self, **options: Any) -> "Optimizer":
        """Return the optimiser with further options, or other values of those that it has."""
        return replace(self, options=tuple({**dict(self.options), **options}.items()))
