"""What a model is."""

from typing import TYPE_CHECKING, ClassVar, Protocol

from ablation.recipe import Recipe

if TYPE_CHECKING:
    import keras

ImageShape = tuple[int, int, int]
"""Height, width, channels."""


class Model(Protocol):
    """A network with slots. Its parameters are its fields.

    Attributes:
        slots: names of the recipe's network slots that it honours; a feature that fills another one is refused.
    """

    slots: ClassVar[frozenset[str]]

    def check(self, image_shape: ImageShape) -> None:
        """Raise ``InputError`` where images of this shape cannot be taken."""
        ...

    def build(self, recipe: Recipe, image_shape: ImageShape, classes: int) -> "keras.Model":
        """Return the network, images in [0, 1] → logits ``(batch, classes)``, each layer with a name of its own.

        The names matter: a layer's initial weights are drawn from the run's seed and its name.
        """
        ...
