"""From stored images and drawn numbers to what the network sees: pure functions that run on any backend."""

from typing import Any

from keras import ops

from ablation.images.slots import Augmentation, Mixing
from ablation.images.training.draws import Draws


def gather(images: Any, indices: Any) -> Any:
    """Take images by index and scale their pixels, ``(any, h, w, c) uint8 → (n, h, w, c) float32`` in [0, 1]."""
    return ops.cast(ops.take(images, indices, axis=0), "float32") * (1 / 255)


def mix(images: Any, draws: Draws, mixing: Mixing | None) -> Any:
    """Gather the drawn images, each mixed with its partner if there is one."""
    own = gather(images, draws.own)
    return own if mixing is None else mixing.apply(own, gather(images, draws.partners), draws.mixing)


def augment(images: Any, draws: Draws, augmentations: tuple[Augmentation, ...]) -> Any:
    """Apply each augmentation with its drawn numbers."""
    for augmentation, numbers in zip(augmentations, draws.augmentations, strict=True):
        images = augmentation.apply(images, numbers)
    return images
