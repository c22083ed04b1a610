"""A multilayer perceptron: dense layers on the pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ablation.checks import whole_numbers
from ablation.images.models.model import ImageShape, scaled_input
from ablation.images.models.parts import Parts
from ablation.images.recipe import Recipe

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class MLP:
    """Flattened pixels, then dense layers with ReLU; images of any size.

    Batch norm, if on, precedes every hidden activation; dropout follows it.

    Args:
        hidden: units of the hidden layers, at least one.
    """

    known_as: ClassVar[str] = "mlp"
    hidden: Sequence[int] = (200,)
    slots: ClassVar[frozenset[str]] = frozenset({"normalization", "activation", "dropout", "scaling"})

    def __post_init__(self) -> None:
        whole_numbers("model.hidden", self.hidden)

    def check(self, image_shape: ImageShape) -> None:
        pass

    def build(self, recipe: Recipe, image_shape: ImageShape, classes: int) -> "keras.Model":
        import keras

        layers, parts = keras.layers, Parts(recipe, recipe.normalization)
        inputs, x = scaled_input(recipe, image_shape)
        x = layers.Flatten(name="flatten")(x)
        for place, units in enumerate(self.hidden, start=1):
            x = parts.drop(parts.finish(layers.Dense(units, name=f"dense{place}")(x), f"dense{place}"), f"dense{place}")
        return keras.Model(inputs, layers.Dense(classes, dtype="float32", name="logits")(x), name="mlp")
