"""A LeNet: two 5×5 convolutions and three dense layers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ablation.errors import InputError
from ablation.images.models.model import ImageShape, scaled_input
from ablation.images.models.parts import Parts
from ablation.images.recipe import Recipe

if TYPE_CHECKING:
    import keras

FILTERS, HIDDEN = (6, 16), (120, 84)
SMALLEST = 16  # 16 → 12 → 6 → 2 → 1: a 5×5 convolution without padding and a 2×2 max-pool, twice


@dataclass(frozen=True)
class LeNet:
    """Two 5×5 convolutions, each with a 2×2 max-pool, then dense layers of 120 and 84 units, all with ReLU.

    After LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition". Batch norm, if on, follows both
    convolutions; dropout follows both hidden dense layers.
    """

    known_as: ClassVar[str] = "lenet"
    slots: ClassVar[frozenset[str]] = frozenset({"normalization", "activation", "pooling", "dropout", "scaling"})

    def check(self, image_shape: ImageShape) -> None:
        height, width, _ = image_shape
        if min(height, width) < SMALLEST:
            raise InputError(f"model=lenet takes images of at least {SMALLEST} × {SMALLEST} pixels, and these have {height} × {width}")

    def idle(self, image_shape: ImageShape) -> frozenset[str]:
        return frozenset({"pooling"}) if max(_last(side) for side in image_shape[:2]) <= 1 else frozenset()

    def build(self, recipe: Recipe, image_shape: ImageShape, classes: int) -> "keras.Model":
        import keras

        layers, parts = keras.layers, Parts(recipe, recipe.normalization)
        inputs, x = scaled_input(recipe, image_shape)
        for place, filters in enumerate(FILTERS, start=1):
            x = parts.finish(parts.convolve(x, filters, f"conv{place}", size=5, padding="valid"), f"conv{place}")
            x = layers.MaxPooling2D(2, name=f"pool{place}")(x)
        x = recipe.pooling("pool")(x) if recipe.pooling else layers.Flatten(name="flatten")(x)
        for place, units in enumerate(HIDDEN, start=1):
            x = parts.drop(parts.activate(layers.Dense(units, name=f"dense{place}")(x), f"dense{place}"), f"dense{place}")
        return keras.Model(inputs, layers.Dense(classes, dtype="float32", name="logits")(x), name="lenet")


def _last(side: int) -> int:
    """Return the side of the last feature maps for images of this side."""
    for _ in FILTERS:
        side = (side - 4) // 2
    return side
