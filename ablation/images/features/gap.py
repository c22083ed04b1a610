"""Global average pooling."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from ablation.images.features.feature import Evidence
from ablation.images.recipe import Recipe

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class GlobalAveragePooling:
    """Average each of the last feature maps to one number instead of flattening them.

    Lin, Chen and Yan 2014, "Network In Network".
    """

    known_as: ClassVar[str] = "global_average_pooling"

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, pooling=self.layer)

    def layer(self, name: str) -> "keras.Layer":
        """Return a new layer of that name."""
        import keras

        return keras.layers.GlobalAveragePooling2D(name=name)

    def verify(self, evidence: Evidence) -> bool:
        """The network has a global average pooling layer and no flatten layer."""
        import keras

        kinds = {type(layer) for layer in evidence.layers}
        return keras.layers.GlobalAveragePooling2D in kinds and keras.layers.Flatten not in kinds
