"""The way into a network: its input, and the recipe's scaling of the pixels as the first layer where there is one."""

from typing import Any

from ablation.images.models.model import ImageShape
from ablation.images.recipe import Recipe


def entrance(recipe: Recipe, image_shape: ImageShape) -> tuple[Any, Any]:
    """Return the input of a network, pixels in [0, 1], and the same as the recipe scales it.

    A part of the network, so that a saved one takes the pixels that this one takes.
    """
    import keras

    inputs = keras.layers.Input(image_shape, name="images")
    return inputs, recipe.scaling("scale")(inputs) if recipe.scaling else inputs
