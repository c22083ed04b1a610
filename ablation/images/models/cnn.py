"""The base network of the ablation article: ten convolutions in three stages."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ablation.checks import WIDEST, whole
from ablation.errors import InputError
from ablation.images.models.model import ImageShape, scaled_input
from ablation.images.recipe import Recipe

if TYPE_CHECKING:
    import keras

STAGES = 3
SMALLEST = 15  # 15 → 7 → 3 → 1: each stage ends in a 3×3 convolution of stride 2 without padding


@dataclass(frozen=True)
class CNN:
    """A 1×1 convolution, then three stages of three 3×3 convolutions, of which the last has stride 2, then one dense layer.

    With residual blocks on, the first two convolutions of each stage become a block.

    Args:
        width: filters of the first stage; the next two have twice and four times as many.
    """

    known_as: ClassVar[str] = "cnn"
    width: int = 64
    slots: ClassVar[frozenset[str]] = frozenset({"normalization", "residual", "pooling", "dropout", "scaling"})

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

        layers = keras.layers

        def activate(x: Any, name: str) -> Any:
            if recipe.normalization:
                x = recipe.normalization(f"{name}_norm")(x)
            return layers.ReLU(name=f"{name}_relu")(x)

        def convolve(x: Any, filters: int, name: str, **options: Any) -> Any:
            return layers.Conv2D(filters, options.pop("size", 3), padding=options.pop("padding", "same"), name=name, **options)(x)

        def block(x: Any, filters: int, name: str) -> Any:
            skip = x if x.shape[-1] == filters else convolve(x, filters, f"{name}_skip", size=1)
            x = activate(convolve(x, filters, f"{name}_conv1"), f"{name}_conv1")
            x = layers.Add(name=f"{name}_add")([convolve(x, filters, f"{name}_conv2"), skip])
            return activate(x, f"{name}_conv2")

        inputs, x = scaled_input(recipe, image_shape)
        x = activate(convolve(x, self.width, "stem", size=1), "stem")
        for stage in range(STAGES):
            filters, name = self.width * 2**stage, f"stage{stage + 1}"
            if recipe.residual:
                # The article's skips are identities, so its blocks have as many filters as their input has channels.
                x = block(x, x.shape[-1] if recipe.residual == "article" else filters, name)
            else:
                for part in ("conv1", "conv2"):
                    x = activate(convolve(x, filters, f"{name}_{part}"), f"{name}_{part}")
            x = activate(convolve(x, filters, f"{name}_down", strides=2, padding="valid"), f"{name}_down")
            if recipe.dropout:
                x = layers.Dropout(recipe.dropout, name=f"{name}_dropout")(x)
        x = recipe.pooling("pool")(x) if recipe.pooling else layers.Flatten(name="flatten")(x)
        return keras.Model(inputs, layers.Dense(classes, dtype="float32", name="logits")(x), name="cnn")


def _last(side: int) -> int:
    """Return the side of the last feature maps for images of this side."""
    for _ in range(STAGES):
        side = (side - 1) // 2
    return side
