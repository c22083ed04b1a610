"""The wide residual networks: few blocks with many filters, normalised and activated before each convolution."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from ablation.checks import whole
from ablation.errors import InputError
from ablation.images.models.model import ImageShape, scaled_input
from ablation.images.models.parts import Parts, batch_norm
from ablation.images.recipe import Recipe

if TYPE_CHECKING:
    import keras

STAGES, STEM = 3, 16


@dataclass(frozen=True)
class WideResNet:
    """A 3×3 convolution, three stages of pre-activation blocks, the last two of stride 2, and the mean of each map.

    Zagoruyko and Komodakis 2016, "Wide Residual Networks"; images of any size. Dropout, if on, stands between the convolutions of a
    block, as there.

    Args:
        depth: 4 + 6 × blocks of a stage: 10, 16, 22, 28, 40.
        factor: filters of the first stage in units of 16; the next two have twice and four times as many.
    """

    known_as: ClassVar[str] = "wide_resnet"
    depth: int = 16
    factor: int = 2
    slots: ClassVar[frozenset[str]] = frozenset({"block", "after_block", "branch", "activation", "dropout", "scaling"})

    def __post_init__(self) -> None:
        whole("model.depth", self.depth, 10)
        whole("model.factor", self.factor, 1)
        if (self.depth - 4) % (2 * STAGES):
            below = self.depth - (self.depth - 4) % (2 * STAGES)
            raise InputError(f"model.depth must be 4 + 6 × a number of blocks, not {self.depth}; the nearest are {below} and {below + 6}")

    def check(self, image_shape: ImageShape) -> None:
        pass

    def build(self, recipe: Recipe, image_shape: ImageShape, classes: int) -> "keras.Model":
        import keras

        parts = Parts(recipe, batch_norm, "he_normal", bias=False)
        inputs, x = scaled_input(recipe, image_shape)
        x = parts.convolve(x, STEM, "stem")
        blocks = (self.depth - 4) // (2 * STAGES)
        for stage in range(STAGES):
            for place in range(blocks):
                deep = replace(parts, depth=(stage * blocks + place + 1) / (STAGES * blocks))
                strides = 2 if stage and not place else 1
                filters = STEM * self.factor * 2**stage
                x = (recipe.block or preactivated)(x, filters, strides, f"stage{stage + 1}_block{place + 1}", deep)
        x = keras.layers.GlobalAveragePooling2D(name="pool")(parts.finish(x, "last"))
        return keras.Model(inputs, keras.layers.Dense(classes, dtype="float32", name="logits")(x), name="wide_resnet")


def preactivated(x: Any, filters: int, strides: int, name: str, parts: Parts) -> Any:
    """Build the block whose input is normalised and activated before each of its two convolutions; a skip that projects takes that, too."""
    ready = parts.finish(x, f"{name}_conv1")
    skip = x if parts.fits(x, filters, strides) else parts.skip(ready, filters, strides, name)
    branch = parts.finish(parts.convolve(ready, filters, f"{name}_conv1", strides=strides), f"{name}_conv2")
    return parts.add(parts.convolve(parts.drop(branch, name), filters, f"{name}_conv2"), skip, name)
