"""The residual networks for CIFAR: three stages of basic blocks."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ablation.checks import choice, whole
from ablation.errors import InputError
from ablation.images.models.model import ImageShape, scaled_input
from ablation.images.models.parts import Parts, batch_norm
from ablation.images.recipe import Recipe

if TYPE_CHECKING:
    import keras

STAGES = 3


@dataclass(frozen=True)
class ResNet:
    """A 3×3 convolution, three stages of basic blocks with batch norm, the last two of stride 2, and the mean of each map.

    He et al. 2016, "Deep Residual Learning for Image Recognition", section 4.2; images of any size.

    Args:
        depth: layers with weights, 2 + 6 × blocks of a stage: 20, 32, 44, 56, 110.
        width: filters of the first stage; the next two have twice and four times as many.
        form: ``"keras"`` as in Keras' example, with biases, and a 1×1 convolution on a skip whose channels change; ``"paper"`` as
            published, without biases, where such a skip is padded with zeros (option A).
    """

    known_as: ClassVar[str] = "resnet"
    depth: int = 20
    width: int = 16
    form: Literal["keras", "paper"] = "keras"
    slots: ClassVar[frozenset[str]] = frozenset({"block", "after_block", "branch", "activation", "dropout", "scaling"})

    def __post_init__(self) -> None:
        whole("model.depth", self.depth, 8)
        whole("model.width", self.width, 1)
        choice("model.form", self.form, ("keras", "paper"))
        if (self.depth - 2) % (2 * STAGES):
            below = self.depth - (self.depth - 2) % (2 * STAGES)
            raise InputError(f"model.depth must be 2 + 6 × a number of blocks, not {self.depth}; the nearest are {below} and {below + 6}")

    def check(self, image_shape: ImageShape) -> None:
        pass

    def build(self, recipe: Recipe, image_shape: ImageShape, classes: int) -> "keras.Model":
        import keras

        theirs = self.form == "keras"
        parts = Parts(recipe, batch_norm, "he_normal", bias=theirs, padded=not theirs)
        inputs, x = scaled_input(recipe, image_shape)
        x = parts.finish(parts.convolve(x, self.width, "stem"), "stem")
        blocks = (self.depth - 2) // (2 * STAGES)
        for stage in range(STAGES):
            for place in range(blocks):
                deep = replace(parts, depth=(stage * blocks + place + 1) / (STAGES * blocks))
                strides = 2 if stage and not place else 1
                x = (recipe.block or basic)(x, self.width * 2**stage, strides, f"stage{stage + 1}_block{place + 1}", deep)
            x = parts.drop(x, f"stage{stage + 1}")
        x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
        logits = keras.layers.Dense(classes, kernel_initializer="he_normal", dtype="float32", name="logits")(x)
        return keras.Model(inputs, logits, name="resnet")


def basic(x: Any, filters: int, strides: int, name: str, parts: Parts) -> Any:
    """Build the basic block: two normalised convolutions whose result is added to the block's input, then the activation."""
    skip = parts.skip(x, filters, strides, name)
    x = parts.finish(parts.convolve(x, filters, f"{name}_conv1", strides=strides), f"{name}_conv1")
    x = parts.normalize(parts.convolve(x, filters, f"{name}_conv2"), f"{name}_conv2")
    return parts.activate(parts.add(x, skip, name), name)
