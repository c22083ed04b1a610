"""What the networks of ``keras.applications`` share: the choice of weights, the body that Keras ships, and a new head."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ablation.checks import choice
from ablation.errors import InputError
from ablation.images.models.imagenet import ImageNet
from ablation.images.models.model import ImageShape, scaled_input
from ablation.images.recipe import Recipe

if TYPE_CHECKING:
    import keras

SMALLEST = 32  # Keras' networks take no smaller images.
COLOURS = 3


@dataclass(frozen=True)
class Application:
    """Base of a network whose body is Keras' own; its head is global average pooling, dropout if on, and a dense layer.

    Args:
        weights: initial weights of the body: None for random ones, or ``"imagenet"``.
        trainable: ``"all"`` layers, or the ``"head"`` alone.
    """

    weights: Literal["imagenet"] | None = None
    trainable: Literal["all", "head"] = "all"
    name: ClassVar[str]
    kind: ClassVar[str]
    imagenet: ClassVar[ImageNet]

    def __post_init__(self) -> None:
        choice("model.weights", self.weights, ("imagenet", None))
        choice("model.trainable", self.trainable, ("all", "head"))
        if self.trainable == "head" and self.weights is None:
            raise InputError("model.trainable=head would leave random weights as they are; expected model.weights=imagenet with it")

    @property
    def slots(self) -> frozenset[str]:
        """The slots that it honours; pretrained weights bring the scaling that they were trained with."""
        return frozenset({"dropout"} if self.weights else {"dropout", "scaling"})

    def check(self, image_shape: ImageShape) -> None:
        height, width, channels = image_shape
        if min(height, width) < SMALLEST:
            raise InputError(
                f"model={self.name} takes images of at least {SMALLEST} × {SMALLEST} pixels, and these have {height} × {width}"
            )
        if self.weights:
            if channels not in (1, COLOURS):
                raise InputError(f"model.weights=imagenet takes grey or RGB images, and these have {channels} channels")
            self.imagenet.fetch()

    def build(self, recipe: Recipe, image_shape: ImageShape, classes: int) -> "keras.Model":
        import keras

        layers = keras.layers
        inputs, x = scaled_input(recipe, image_shape)
        if self.weights:
            if image_shape[-1] != COLOURS:
                x = layers.Concatenate(name="grey_as_rgb")([x] * COLOURS)
            x = self.imagenet.scaling("as_published")(x)
        make = getattr(keras.applications, self.kind)
        body = make(include_top=False, weights=None, input_tensor=x, input_shape=tuple(x.shape[1:]))
        if self.weights:
            self.imagenet.load(body, trainable=self.trainable == "all")
        x = layers.GlobalAveragePooling2D(name="pool")(body.output)
        if recipe.dropout:
            x = layers.Dropout(recipe.dropout, name="dropout")(x)
        return keras.Model(inputs, layers.Dense(classes, dtype="float32", name="logits")(x), name=self.name)
