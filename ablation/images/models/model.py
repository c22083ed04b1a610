"""What a model is, and what every model shares."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from ablation.images.recipe import Recipe

if TYPE_CHECKING:
    import keras

ImageShape = tuple[int, int, int]
"""Height, width, channels."""


class Model(Protocol):
    """A network with slots. Its parameters are its fields.

    It may also have ``idle(image_shape) -> frozenset[str]``: see :func:`idle`.
    """

    @property
    def slots(self) -> frozenset[str]:
        """Names of the recipe's network slots that it honours; a feature that fills any other slot is refused."""
        ...

    def check(self, image_shape: ImageShape) -> None:
        """Raise ``InputError`` if the network cannot take images of this shape."""
        ...

    def build(self, recipe: Recipe, image_shape: ImageShape, classes: int) -> "keras.Model":
        """Return the network, images in [0, 1] → logits ``(batch, classes)``, each layer with a unique name.

        The names matter: initial weights are drawn from the run's seed and the layer's name.
        """
        ...


def idle(model: Model, image_shape: ImageShape) -> frozenset[str]:
    """Return the slots that make no difference to what a model computes for images of this shape, such as pooling of 1×1 maps.

    A model without the method has none.
    """
    of_model: Callable[[ImageShape], frozenset[str]] = getattr(model, "idle", lambda _: frozenset())
    return of_model(image_shape)


def scaled_input(recipe: Recipe, image_shape: ImageShape) -> tuple[Any, Any]:
    """Return the input of a network, pixels in [0, 1], and that input as the recipe scales it.

    The scaling is a layer of the network, so a saved network takes pixels in [0, 1], too.
    """
    import keras

    inputs = keras.layers.Input(image_shape, name="images")
    return inputs, recipe.scaling("scale")(inputs) if recipe.scaling else inputs
