"""Batch normalisation."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from ablation.checks import number
from ablation.images.features.feature import Evidence
from ablation.images.recipe import Recipe

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class BatchNorm:
    """Normalise each channel over the batch after every convolution, before its activation.

    Ioffe and Szegedy 2015, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift".

    Args:
        momentum: of the moving averages that evaluation uses.
        epsilon: added to the variance.
    """

    known_as: ClassVar[str] = "batch_norm"
    momentum: float = 0.99
    epsilon: float = 1e-3

    def __post_init__(self) -> None:
        number("batch_norm.momentum", self.momentum, at_least=0, below=1)
        number("batch_norm.epsilon", self.epsilon, above=0)

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, normalization=self.layer)

    def layer(self, name: str) -> "keras.Layer":
        """Return a new layer of that name."""
        import keras

        return keras.layers.BatchNormalization(momentum=self.momentum, epsilon=self.epsilon, name=name)

    def verify(self, evidence: Evidence) -> bool:
        """The network has batch normalisation layers, all with these settings."""
        import keras

        layers = [layer for layer in evidence.layers if isinstance(layer, keras.layers.BatchNormalization)]
        return bool(layers) and all(layer.momentum == self.momentum and layer.epsilon == self.epsilon for layer in layers)
