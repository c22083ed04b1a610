"""The parts that networks and their blocks are built of, as a recipe fills them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ablation.images.recipe import Recipe
from ablation.images.slots import LayerFactory

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Parts:
    """Convolutions and what stands around them. Every part takes the feature maps and the name from which its layers get theirs.

    Attributes:
        recipe: whose slots are filled.
        normalization: makes the layer after each convolution; None for none.
        initializer: of the convolutions' kernels, as Keras names it.
        bias: whether convolutions add one.
        padded: whether a skip to more channels is padded with zeros; else a 1×1 convolution projects it.
        depth: how deep the block is that is being built, above 0 to 1 for the last one.
    """

    recipe: Recipe
    normalization: LayerFactory | None = None
    initializer: str = "glorot_uniform"
    bias: bool = True
    padded: bool = False
    depth: float = 1.0

    def convolve(self, x: Any, filters: int, name: str, size: int = 3, strides: int = 1, padding: str = "same") -> Any:
        """Convolve, and nothing more."""
        import keras

        options = {"use_bias": self.bias, "kernel_initializer": self.initializer}
        return keras.layers.Conv2D(filters, size, strides=strides, padding=padding, name=name, **options)(x)

    def normalize(self, x: Any, name: str) -> Any:
        """Normalise, where anything does."""
        return self.normalization(f"{name}_norm")(x) if self.normalization else x

    def activate(self, x: Any, name: str) -> Any:
        """Apply the activation."""
        import keras

        return self.recipe.activation(f"{name}_activation")(x) if self.recipe.activation else keras.layers.ReLU(name=f"{name}_relu")(x)

    def finish(self, x: Any, name: str) -> Any:
        """Normalise what a convolution returns, and activate it."""
        return self.activate(self.normalize(x, name), name)

    def fits(self, x: Any, filters: int, strides: int) -> bool:
        """Say whether a block's input can be added to its residual branch as it is."""
        return bool(strides == 1 and x.shape[-1] == filters)

    def skip(self, x: Any, filters: int, strides: int, name: str) -> Any:
        """Return what a block adds to its residual branch: its input, made to fit."""
        import keras

        if self.fits(x, filters, strides):
            return x
        if not self.padded:
            return self.convolve(x, filters, f"{name}_skip", size=1, strides=strides)
        more = filters - x.shape[-1]
        x = keras.layers.MaxPooling2D(1, strides, name=f"{name}_skip")(x) if strides > 1 else x
        return keras.ops.pad(x, [(0, 0), (0, 0), (0, 0), (more // 2, more - more // 2)])

    def follow(self, x: Any, name: str) -> Any:
        """Apply what follows a block. Names of layers are taken once: from the second change on they are numbered."""
        for place, change in enumerate(self.recipe.after_block, start=1):
            x = change(x, name if place == 1 else f"{name}_{place}")
        return x

    def add(self, branch: Any, skip: Any, name: str) -> Any:
        """Add a residual branch, with all that becomes of it, to its skip."""
        import keras

        branch = self.follow(branch, name)
        branch = self.recipe.branch(branch, self.depth, name) if self.recipe.branch else branch
        return keras.layers.Add(name=f"{name}_add")([branch, skip])

    def drop(self, x: Any, name: str) -> Any:
        """Apply dropout, where there is some."""
        import keras

        return keras.layers.Dropout(self.recipe.dropout, name=f"{name}_dropout")(x) if self.recipe.dropout else x


def batch_norm(name: str) -> "keras.Layer":
    """Return a new layer of that name, for networks that have batch norm of their own."""
    import keras

    return keras.layers.BatchNormalization(name=name)
