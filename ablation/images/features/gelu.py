"""GELU in place of ReLU."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from ablation.images.features.feature import Evidence
from ablation.images.recipe import Recipe

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class GELU:
    """Weigh each input by the probability that a normal variable lies below it, where ReLU asks only for its sign.

    Hendrycks and Gimpel 2016, "Gaussian Error Linear Units (GELUs)".
    """

    known_as: ClassVar[str] = "gelu"

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, activation=self.layer)

    def layer(self, name: str) -> "keras.Layer":
        """Return a new layer of that name."""
        import keras

        return keras.layers.Activation("gelu", name=name)

    def verify(self, evidence: Evidence) -> bool:
        """The network has GELU layers and no ReLU layer."""
        import keras

        layers = evidence.layers
        there = any(isinstance(layer, keras.layers.Activation) and layer.activation is keras.activations.gelu for layer in layers)
        return there and not any(isinstance(layer, keras.layers.ReLU) for layer in layers)
