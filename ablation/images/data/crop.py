"""CentreCrop: the middle of each image of another source."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ablation.checks import whole_numbers
from ablation.errors import InputError
from ablation.images.data.dataset import Dataset, Images, Source


@dataclass(frozen=True)
class CentreCrop:
    """The images of a source without their borders.

    Attributes:
        source: of the whole images.
        size: height and width in pixels of what is kept.

    Raises:
        InputError: if the size is no height and width.
    """

    source: Source
    size: Sequence[int]

    def __post_init__(self) -> None:
        whole_numbers("data.crop", self.size)
        if len(self.size) != 2:
            raise InputError(f"data.crop must be a height and a width, such as [28,28], not {list(self.size)}")

    @property
    def description(self) -> str:
        height, width = self.size
        return f"{self.source.description}, centre crops of {height} × {width}"

    def identity(self) -> str:
        height, width = self.size
        return f"{self.source.identity()}, centre crops of {height} × {width}"

    def load(self) -> Dataset:
        """Read the whole images, and cut out their centres.

        Raises:
            InputError: if the images are smaller than that.
        """
        dataset = self.source.load()
        sides = dataset.image_shape[:2]
        if any(kept > side for kept, side in zip(self.size, sides, strict=True)):
            raise InputError(f"data.crop={list(self.size)} is larger than the images, which have {sides[0]} × {sides[1]} pixels")
        parts = {name: self._cropped(images) for name, images in dataset.parts().items()}
        return replace(dataset, train=parts["train"], test=parts.get("test"), validation=parts.get("validation"))

    def _cropped(self, images: Images) -> Images:
        top, left = ((side - kept) // 2 for side, kept in zip(images.x.shape[1:3], self.size, strict=True))
        height, width = self.size
        return Images(images.x[:, top : top + height, left : left + width].copy(), images.y)
