"""Augmentations that XLA compiles into one loop over the pixels, where TensorFlow alone would run each operation on the whole batch."""

from dataclasses import replace

import numpy as np
import tensorflow as tf

from ablation.images.recipe import Recipe
from ablation.images.slots import Augmentation
from ablation.images.training.draws import numbers_of


class CompiledAugmentation:
    """An augmentation whose ``apply`` is compiled by XLA."""

    def __init__(self, augmentation: Augmentation) -> None:
        self.draw = augmentation.draw
        self.apply = tf.function(augmentation.apply, jit_compile=True, autograph=False)


def compile_augmentations(recipe: Recipe, batch_size: int, image_shape: tuple[int | None, ...]) -> Recipe:
    """Return the recipe with compiled augmentations; one with operations that XLA cannot compile stays as it is.

    Args:
        image_shape: height, width and channels that the network takes; if any of them is variable, nothing is compiled.
    """
    known = tuple(size for size in image_shape if size is not None)
    if known != image_shape:
        return recipe
    return replace(recipe, augmentations=tuple(_compiled(each, batch_size, known) for each in recipe.augmentations))


def _compiled(augmentation: Augmentation, batch_size: int, image_shape: tuple[int, ...]) -> Augmentation:
    compiled = CompiledAugmentation(augmentation)
    numbers = numbers_of(augmentation, np.random.default_rng(0), batch_size, *image_shape[:2])
    try:
        # With the shapes of the training, so that it is compiled only once.
        compiled.apply(tf.zeros((batch_size, *image_shape)), tf.constant(numbers))
    except (tf.errors.OpError, TypeError, ValueError):
        # What is wrong with XLA alone trains without it, and what is wrong with the augmentation says so there.
        return augmentation
    return compiled
