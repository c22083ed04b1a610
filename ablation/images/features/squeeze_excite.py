"""Squeeze and excitation."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ablation.checks import whole
from ablation.images.features.feature import Evidence
from ablation.images.recipe import Recipe


@dataclass(frozen=True)
class SqueezeExcite:
    """Weigh the channels after each block by what two small dense layers make of their means.

    Hu, Shen and Sun 2018, "Squeeze-and-Excitation Networks". In residual networks on the branch, before it is added.

    Args:
        reduction: how many times fewer units than channels the first dense layer has.
    """

    known_as: ClassVar[str] = "squeeze_excite"
    reduction: int = 4

    def __post_init__(self) -> None:
        whole("squeeze_excite.reduction", self.reduction, 1)

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, after_block=(*recipe.after_block, self.excite))

    def excite(self, x: Any, name: str) -> Any:
        """Return feature maps ``x`` with their channels weighed."""
        from keras import layers

        channels = x.shape[-1]
        means = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(x)
        reduced = layers.Dense(max(channels // self.reduction, 1), activation="relu", name=f"{name}_reduce")(means)
        return layers.Multiply(name=f"{name}_scale")([x, layers.Dense(channels, activation="sigmoid", name=f"{name}_excite")(reduced)])

    def verify(self, evidence: Evidence) -> bool:
        """The network multiplies feature maps by the outputs of sigmoid units."""
        import keras

        scaled = [layer for layer in evidence.layers if isinstance(layer, keras.layers.Multiply)]
        excited = [layer for layer in evidence.layers if getattr(layer, "activation", None) is keras.activations.sigmoid]
        return bool(scaled) and len(scaled) <= len(excited)
