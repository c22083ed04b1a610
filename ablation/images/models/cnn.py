"""The base network of the ablation article: ten convolutions in three stages."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ablation.checks import WIDEST, whole
from ablation.errors import InputError
from ablation.images.models.model import ImageShape, scaled_input
from ablation.images.models.parts import Parts
from ablation.images.recipe import Recipe

if TYPE_CHECKING:
    import keras

STAGES = 3
SMALLEST = 15  # 15 → 7 → 3 → 1: each stage ends in a 3×3 convolution of stride 2 without padding


@dataclass(frozen=True)
class CNN:
    """A 1×1 convolution, then three stages of three 3×3 convolutions, of which the last has stride 2, then one dense layer.

    The first two convolutions of each stage are a block, in whose place a feature can put another one.

    Args:
        width: filters of the first stage; the next two have twice and four times as many.
    """

    known_as: ClassVar[str] = "cnn"
    width: int = 64
    slots: ClassVar[frozenset[str]] = frozenset(
        {"normalization", "block", "filters", "after_block", "activation", "pooling", "dropout", "scaling"}
    )

    def __post_init__(self) -> None:
        whole("model.width", self.width, 1, WIDEST)

    def check(self, image_shape: ImageShape) -> None:
        height, width, _ = image_shape
        if min(height, width) < SMALLEST:
            raise InputError(f"model=cnn takes images of at least {SMALLEST} × {SMALLEST} pixels, and these have {height} × {width}")

    def idle(self, image_shape: ImageShape) -> frozenset[str]:
        return frozenset({"pooling"}) if max(_last(side) for side in image_shape[:2]) <= 1 else frozenset()

    def build(self, recipe: Recipe, image_shape: ImageShape, classes: int) -> "keras.Model":
        import keras

        parts = Parts(recipe, recipe.normalization)
        inputs, x = scaled_input(recipe, image_shape)
        x = parts.finish(parts.convolve(x, self.width, "stem", size=1), "stem")
        for stage in range(STAGES):
            filters, name = self.width * 2**stage, f"stage{stage + 1}"
            within = recipe.filters(x.shape[-1], filters) if recipe.filters else filters
            x = (recipe.block or plain)(x, within, 1, name, parts)
            x = parts.finish(parts.convolve(x, filters, f"{name}_down", strides=2, padding="valid"), f"{name}_down")
            x = parts.drop(x, name)
        x = recipe.pooling("pool")(x) if recipe.pooling else keras.layers.Flatten(name="flatten")(x)
        return keras.Model(inputs, keras.layers.Dense(classes, dtype="float32", name="logits")(x), name="cnn")


def plain(x: Any, filters: int, strides: int, name: str, parts: Parts) -> Any:
    """Build the block of two convolutions that the network has where no feature brings another one."""
    x = parts.finish(parts.convolve(x, filters, f"{name}_conv1", strides=strides), f"{name}_conv1")
    return parts.follow(parts.finish(parts.convolve(x, filters, f"{name}_conv2"), f"{name}_conv2"), name)


def _last(side: int) -> int:
    """Return the side of the last feature maps for images of this side."""
    for _ in range(STAGES):
        side = (side - 1) // 2
    return side
