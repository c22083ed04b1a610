"""What fills the slots of a recipe: layers and parts of networks, draws, losses, optimisers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    import keras

    from ablation.images.models.parts import Parts


class LayerFactory(Protocol):
    """Makes a layer."""

    def __call__(self, name: str, /) -> "keras.Layer":
        """Return a new layer of that name."""
        ...


class Block(Protocol):
    """Builds a block of a network."""

    def __call__(self, x: Any, filters: int, strides: int, name: str, parts: "Parts") -> Any:
        """Return feature maps with ``filters`` channels, made of ``x``, whose sides the strides divide.

        Args:
            name: of the block; the names of its layers begin with it.
            parts: convolutions, normalisation, activation and whatever else the recipe fills, see
                :class:`ablation.images.models.parts.Parts`.
        """
        ...


Filters = Callable[[int, int], int]
"""Returns how many channels a block makes, given how many it takes and how many it would make."""

AfterBlock = Callable[[Any, str], Any]
"""Returns what takes the place of a block's feature maps, of the same shape, under names that begin with the block's."""

Branch = Callable[[Any, float, str], Any]
"""Returns what takes the place of a residual branch, given how deep its block is, above 0 to 1 for the last, and the block's name."""


class InitializerFactory(Protocol):
    """Makes what kernels are drawn from."""

    def __call__(self) -> "keras.Initializer":
        """Return the initialiser of a layer's kernel."""
        ...


class NetworkChange(Protocol):
    """Changes a whole network."""

    def __call__(self, network: "keras.Model", /) -> "keras.Model":
        """Return another network of the same inputs and outputs."""
        ...


class Mixing(Protocol):
    """How training images are mixed with their partners: numbers drawn on the host, applied on the device."""

    def draw(self, rng: np.random.Generator, count: int, height: int, width: int) -> np.ndarray:
        """Return the numbers for ``count`` images, of as many rows."""
        ...

    def shares(self, numbers: np.ndarray, height: int, width: int) -> np.ndarray:
        """Return the share of each image's own label in [0, 1], shape ``(count,)``; its partner's gets the rest."""
        ...

    def apply(self, images: Any, partners: Any, numbers: Any) -> Any:
        """Mix ``images`` with ``partners`` (batch, height, width, channels), with ``keras.ops``, deterministically."""
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


@dataclass(frozen=True)
class Standardisation:
    """Scaling of each image by its own pixels: their mean becomes 0, their standard deviation 1."""

    def __call__(self, name: str) -> "keras.Layer":
        """Return a new layer of that name, which has no weights."""
        import keras

        # An image of one colour stays 0. The floor is a quarter of a grey level.
        return keras.layers.LayerNormalization((1, 2, 3), epsilon=1e-6, center=False, scale=False, dtype="float32", name=name)


Loss = Callable[[Any, Any], Any]
"""Returns the loss of each image from float32 logits and targets, ``(n, classes)`` twice → ``(n,)``, with ``keras.ops``."""

GradientsAt = Callable[[list[Any]], list[Any]]
"""Returns the gradients of the same batch, with the same masks, at other weights; nothing else changes."""

Transformation = Callable[[list[Any], list[Any], GradientsAt], list[Any]]
"""Returns the gradients that the optimiser gets, from those of the batch and the weights that they belong to, with ``keras.ops``."""

Averaging = Callable[[int, int], float]
"""Returns the share that an average of weights keeps at a step, from 0, of so many steps; the weights after the step get the rest."""

Order = Callable[[np.random.Generator, int], np.ndarray]
"""Returns the places of all images, of so many, in the order in which an epoch takes them, shape ``(count,)``."""

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

    def without_options(self, *names: str) -> "Optimizer":
        """Return the optimiser without these options, where another one by name does not have them."""
        return replace(self, options=tuple((name, value) for name, value in self.options if name not in names))
