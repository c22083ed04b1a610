"""What a data source returns: labelled images in parts, and the names of the classes."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ablation.errors import InputError


@dataclass(frozen=True, eq=False)
class Images:
    """A labelled set of images.

    Attributes:
        x: shape ``(n, height, width, channels)``, uint8.
        y: shape ``(n,)``, int64 class indices.

    Raises:
        InputError: if an array has another shape or type, the lengths differ, or there are no images.
    """

    x: np.ndarray
    y: np.ndarray

    def __post_init__(self) -> None:
        if self.x.ndim != 4 or self.x.dtype != np.uint8:
            raise InputError(f"images have shape {self.x.shape} and type {self.x.dtype}; expected (n, height, width, channels) and uint8")
        if self.y.ndim != 1 or self.y.dtype != np.int64:
            raise InputError(f"labels have shape {self.y.shape} and type {self.y.dtype}; expected (n,) and int64")
        if len(self.x) != len(self.y):
            raise InputError(f"there are {len(self.x)} images and {len(self.y)} labels; expected one label for each image")
        if self.x.size == 0:
            raise InputError(f"there are no images in an array of shape {self.x.shape}; expected at least one image")

    def __len__(self) -> int:
        return len(self.y)

    def take(self, indices: np.ndarray) -> "Images":
        """Return the images at ``indices``, in that order, as a copy."""
        return Images(self.x[indices], self.y[indices])


@dataclass(frozen=True, eq=False)
class Dataset:
    """The parts of a data set.

    Attributes:
        train: the training images; the validation set is held out of them if the source has none.
        test: used once, for the final networks; None if the source has none.
        classes: the names of the classes, in the order of their indices.
        validation: the source's own; None if it is to be held out of ``train``, anew for each seed.
        left_out: a line for each file that could not be used, with the reason.

    Raises:
        InputError: if image shapes differ between parts, a label has no class, or there are fewer than two classes.
    """

    train: Images
    test: Images | None
    classes: tuple[str, ...]
    validation: Images | None = None
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.classes) < 2:
            raise InputError(f"the data hold {len(self.classes)} class ({', '.join(self.classes)}); expected at least two")
        shape = self.train.x.shape[1:]
        for part, images in self.parts().items():
            if images.x.shape[1:] != shape:
                raise InputError(f"{part} images have shape {images.x.shape[1:]}; expected that of the training images, {shape}")
            low, high = int(images.y.min()), int(images.y.max())
            if low < 0 or high >= len(self.classes):
                raise InputError(f"{part} labels run from {low} to {high}; expected class indices from 0 to {len(self.classes) - 1}")

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of every image."""
        height, width, channels = self.train.x.shape[1:]
        return height, width, channels

    def parts(self) -> dict[str, Images]:
        """Return the parts that exist, by name."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: images for name, images in parts.items() if images is not None}


class Source(Protocol):
    """Where a data set comes from; typically a frozen dataclass whose fields are its parameters."""

    @property
    def description(self) -> str:
        """A few words for reports, such as ``"sprites (synthetic)"``."""

    def identity(self) -> str:
        """Return a short text, without absolute paths, that changes whenever images or labels would."""

    def load(self) -> Dataset:
        """Read or generate the images."""
