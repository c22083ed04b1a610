"""VGG16: thirteen 3×3 convolutions in five groups, then three dense layers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ablation.checks import WIDEST, whole, whole_numbers
from ablation.images.models.model import ImageShape, scaled_input
from ablation.images.models.parts import Parts
from ablation.images.recipe import Recipe

if TYPE_CHECKING:
    import keras

GROUPS = ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3))
"""For each group, its filters in units of the width and its number of convolutions."""


@dataclass(frozen=True)
class VGG16:
    """Five groups of 3×3 convolutions, each ending in a 2×2 max-pool, then dense layers; images of any size.

    Simonyan and Zisserman 2015, "Very Deep Convolutional Networks for Large-Scale Image Recognition". Batch norm, if on,
    follows every convolution; dropout follows every hidden dense layer.

    Args:
        width: filters of the first group; the others have twice, four and eight times as many.
        hidden: units of the hidden dense layers.
    """

    known_as: ClassVar[str] = "vgg16"
    width: int = 64
    hidden: Sequence[int] = (4096, 4096)
    slots: ClassVar[frozenset[str]] = frozenset({"normalization", "activation", "pooling", "dropout", "scaling"})

    def __post_init__(self) -> None:
        whole("model.width", self.width, 1, WIDEST)
        whole_numbers("model.hidden", self.hidden)

    def check(self, image_shape: ImageShape) -> None:
        pass

    def idle(self, image_shape: ImageShape) -> frozenset[str]:
        # Each group halves the maps, rounding up: up to 2⁵ pixels end as one position.
        return frozenset({"pooling"}) if max(image_shape[:2]) <= 2 ** len(GROUPS) else frozenset()

    def build(self, recipe: Recipe, image_shape: ImageShape, classes: int) -> "keras.Model":
        import keras

        layers, parts = keras.layers, Parts(recipe, recipe.normalization)
        inputs, x = scaled_input(recipe, image_shape)
        for group, (times, convolutions) in enumerate(GROUPS, start=1):
            for place in range(1, convolutions + 1):
                name = f"group{group}_conv{place}"
                x = parts.finish(parts.convolve(x, times * self.width, name), name)
            x = layers.MaxPooling2D(2, padding="same", name=f"group{group}_pool")(x)
        x = recipe.pooling("pool")(x) if recipe.pooling else layers.Flatten(name="flatten")(x)
        for place, units in enumerate(self.hidden, start=1):
            x = parts.drop(parts.activate(layers.Dense(units, name=f"dense{place}")(x), f"dense{place}"), f"dense{place}")
        return keras.Model(inputs, layers.Dense(classes, dtype="float32", name="logits")(x), name="vgg16")
